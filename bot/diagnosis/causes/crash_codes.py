"""The codes of crashes: how each is known, and what to do."""

from __future__ import annotations

from bot.diagnosis.crash_reasons import Cause
from bot.diagnosis.family import Code

CRASH_LOOP = "CRASH_LOOP"
START_FAILED = "START_FAILED"
EXITED = "EXITED"
CRASH_COMMAND = "CRASH_COMMAND"
CRASH_CONFIGURATION = "CRASH_CONFIGURATION"
CRASH_ADDRESS_IN_USE = "CRASH_ADDRESS_IN_USE"
CRASH_DEPENDENCY = "CRASH_DEPENDENCY"
CRASH_CREDENTIALS = "CRASH_CREDENTIALS"
CRASH_NO_SPACE = "CRASH_NO_SPACE"
CRASH_PERMISSION = "CRASH_PERMISSION"
CRASH_IMAGE_INCOMPLETE = "CRASH_IMAGE_INCOMPLETE"

BY_CAUSE = {
    Cause.CONFIGURATION: CRASH_CONFIGURATION,
    Cause.ADDRESS_IN_USE: CRASH_ADDRESS_IN_USE,
    Cause.DEPENDENCY: CRASH_DEPENDENCY,
    Cause.CREDENTIALS: CRASH_CREDENTIALS,
    Cause.NO_SPACE: CRASH_NO_SPACE,
    Cause.PERMISSION: CRASH_PERMISSION,
    Cause.IMAGE_INCOMPLETE: CRASH_IMAGE_INCOMPLETE,
}
TITLES = {
    CRASH_LOOP: "crashes again and again",
    EXITED: "ends by itself again and again",
    CRASH_COMMAND: "crashes, its command cannot be run",
    CRASH_CONFIGURATION: "crashes, its configuration is incomplete",
    CRASH_ADDRESS_IN_USE: "crashes, its port is in use",
    CRASH_DEPENDENCY: "crashes without what it depends on",
    CRASH_CREDENTIALS: "crashes, its credentials are refused",
    CRASH_NO_SPACE: "crashes, its disk is full",
    CRASH_PERMISSION: "crashes, it lacks a permission",
    CRASH_IMAGE_INCOMPLETE: "crashes, its image lacks a file",
}
_LOOPS = "The container is in CrashLoopBackOff, or restarted twice and ended less than 10 minutes ago; "

CODES = (
    Code(
        CRASH_LOOP,
        "A container's program ends shortly after each start; the kubelet waits longer each time.",
        _LOOPS + "its log names no reason that has a code of its own.",
        "Read the log of the crashed run; exit codes above 128 are signals (137 killed, 139 a memory fault, 143 asked"
        " to stop). If only the new revision crashes, go back to the one that works.",
        "48, 81-94",
    ),
    Code(
        START_FAILED,
        "The container's command could not be started at all (not found, not executable, another processor).",
        "The kubelet reports RunContainerError, StartError or ContainerCannotRun; there is no log.",
        "Mend the command in the workload, or the image that should hold it.",
        "48, 81-94",
    ),
    Code(
        EXITED,
        "A container's program ends by itself with exit code 0, though its workload wants it to run for ever.",
        _LOOPS + "its last run ended with exit code 0, and no event says that a probe or a hook ended it.",
        "Start the program in the foreground, or run it as a Job if it is meant to finish.",
        "48, 81-94",
    ),
    Code(
        CRASH_COMMAND,
        "A container's shell runs, but the command that it should start is not there or not executable.",
        _LOOPS + "its exit code is 126 (cannot be executed) or 127 (not found).",
        "Mend the command or the start script; see that the image holds the file and that it is executable.",
        "48, 81-94",
    ),
    Code(
        CRASH_CONFIGURATION,
        "A program ends because a variable, a setting or a configuration file that it needs is missing.",
        _LOOPS + "its log names what is not set, is required or does not exist.",
        "Add the variable or the file; compare with the revision that works, which may still have it.",
        "81-88",
    ),
    Code(
        CRASH_ADDRESS_IN_USE,
        "A program ends because the port on which it wants to listen is already taken in its pod.",
        _LOOPS + "its log says that the address is in use.",
        "Give one of the pod's containers another port. Declared container ports are informational: what counts is"
        " where the programs listen.",
        "93-94",
    ),
    Code(
        CRASH_DEPENDENCY,
        "A program ends because a database or another service that it needs cannot be reached.",
        _LOOPS + "its log says that a connection was refused or timed out, or that a name was not resolved.",
        "Look at the named service first; if that is well, check the name and port that the program was given.",
        "89-91, 172-183",
    ),
    Code(
        CRASH_CREDENTIALS,
        "A program ends because a database or another service refuses its user name or password.",
        _LOOPS + "its log says that the authentication failed.",
        "Compare the secret with what the service expects. Pods read secrets as variables only when they start.",
        "89-91",
    ),
    Code(
        CRASH_NO_SPACE,
        "A program ends because a disk that it writes to is full.",
        _LOOPS + "its log says that no space is left.",
        "Find out which volume is full; expand its claim, or free the node's disk.",
        "311-341",
    ),
    Code(
        CRASH_PERMISSION,
        "A program ends because it may not read, write or do something.",
        _LOOPS + "its log says permission denied, operation not permitted or read-only file system.",
        "Check the security context (user, group, read-only root file system) against what the image expects.",
        "81-94",
    ),
    Code(
        CRASH_IMAGE_INCOMPLETE,
        "A program ends because its image lacks a module or a library.",
        _LOOPS + "its log names a module, class or shared library that cannot be found.",
        "Build the image anew with what is missing, or go back to the image that works.",
        "81-94",
    ),
)
