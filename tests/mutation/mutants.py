"""The guards of changes, each with what takes it away and with the test that must notice."""

from __future__ import annotations

from dataclasses import dataclass

_DOMAIN, _ENGINE, _STORE = "tests/bot/domain/", "tests/bot/engine/", "tests/bot/store/"
OPERATIONS, TRANSITIONS = "bot/domain/operations.py", "bot/domain/transitions.py"
QUERIES, TABLES = "bot/store/queries_operations.sql", "bot/store/migrations/0003_operations.sql"
JUDGING, EVIDENCE, EXECUTING = "bot/engine/judging.py", "bot/engine/evidence.py", "bot/engine/executing.py"
WRITING, RECOVERING, HOLDING = "bot/engine/writing.py", "bot/engine/recovering.py", "bot/engine/holding.py"
ADDRESSING, DECIDING, REQUESTING = "bot/engine/addressing.py", "bot/engine/deciding.py", "bot/engine/requesting.py"
COPYING = "bot/engine/copying.py"
STEPS, RECOVERY, WRITER = "bot/domain/steps/base.py", "bot/domain/recovery.py", "bot/cluster/writer.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A guard, the text that is it in a file, what stands there without it, and the test that must fail then.

    The old text is in the file once. Where the domain and the database both keep something, each bar has its own.
    """

    guard: str
    file: str
    old: str
    new: str
    test: str


MUTANTS = (
    # --- votes --------------------------------------------------------------------------------------------------------
    Mutant(
        "row lock",
        QUERIES,
        "WHERE id = %(id)s FOR UPDATE;",
        "WHERE id = %(id)s;",
        f"{_STORE}test_operations.py::test_whoever_waits_for_the_lock_sees_the_votes_of_whom_it_waited_for",
    ),
    Mutant(
        "one vote of each: domain",
        TRANSITIONS,
        "if any(vote.human == other.human or vote.user_id == other.user_id for other in operation.counted):",
        "if False:",
        f"{_ENGINE}test_deciding.py::test_t02_a_double_click_is_one_vote",
    ),
    Mutant(
        "one vote of each: database",
        TABLES,
        "CREATE UNIQUE INDEX votes_one_of_each",
        "CREATE INDEX votes_one_of_each",
        f"{_STORE}test_operations.py::test_the_database_knows_one_vote_of_each_person_alone",
    ),
    Mutant(
        "one vote of each: accounts that were linked since",
        JUDGING,
        "human = next((vote.human for vote in operation.counted if human in voters(workshop.policy, (vote,))), human)",
        "pass",
        f"{_ENGINE}test_deciding.py::test_t03_accounts_that_are_linked_later_count_as_one_as_well",
    ),
    Mutant(
        "a vote is on this plan: domain",
        TRANSITIONS,
        "if vote.digest != operation.digest:",
        "if False:",
        f"{_DOMAIN}test_operations.py::test_a_vote_that_may_not_count_is_refused",
    ),
    Mutant(
        "a vote is on this plan: when it is counted",
        OPERATIONS,
        "if not vote.void and vote.digest == self.digest)",
        "if not vote.void)",
        f"{_DOMAIN}test_operations.py::test_a_vote_on_another_plan_does_not_count",
    ),
    Mutant(
        "a vote is on this plan: database",
        TABLES,
        "number),\n    FOREIGN KEY (operation_id, digest) REFERENCES operations (id, digest)",
        "number),\n    FOREIGN KEY (operation_id) REFERENCES operations (id)",
        f"{_STORE}test_operations.py::test_a_vote_on_another_plan_is_not_kept",
    ),
    Mutant(
        "a void vote does not count",
        OPERATIONS,
        "if not vote.void and vote.digest == self.digest)",
        "if vote.digest == self.digest)",
        f"{_DOMAIN}test_operations.py::test_a_vote_taken_back_stays_on_record_and_can_be_given_again",
    ),
    Mutant(
        "own request: domain, the human",
        TRANSITIONS,
        "if vote.human == operation.plan.human or vote.user_id == operation.plan.requester.user_id:",
        "if vote.user_id == operation.plan.requester.user_id:",
        f"{_DOMAIN}test_operations.py::test_a_vote_that_may_not_count_is_refused",
    ),
    Mutant(
        "own request: domain, the account",
        TRANSITIONS,
        "if vote.human == operation.plan.human or vote.user_id == operation.plan.requester.user_id:",
        "if vote.human == operation.plan.human:",
        f"{_DOMAIN}test_operations.py::test_a_vote_that_may_not_count_is_refused",
    ),
    Mutant(
        "own request: an alias that became known since",
        JUDGING,
        "if human in requesters(workshop.policy, operation):",
        "if False:",
        f"{_ENGINE}test_deciding.py::test_t08_an_alias_of_the_requester_is_the_requester",
    ),
    Mutant(
        "own request: at the execution",
        EVIDENCE,
        "return {**_shrunk(operation, held), **_same_people(workshop, operation)}",
        "return _shrunk(operation, held)",
        f"{_ENGINE}test_evidence.py::test_accounts_that_turn_out_to_be_one_person_count_once",
    ),
    Mutant(
        "a set of the rule is held",
        TRANSITIONS,
        "if not vote.sets:",
        "if False:",
        f"{_ENGINE}test_deciding.py::test_whoever_is_in_no_set_is_told_who_is_needed",
    ),
    Mutant(
        "full members only",
        EVIDENCE,
        "        or member.standing is not AccountStanding.MEMBER\n",
        "",
        f"{_ENGINE}test_evidence.py::test_a_guest_among_the_approvers_fills_no_set_by_their_group",
    ),
    Mutant(
        "people are looked up afresh",
        "bot/rights.py",
        "fresh = asked.permission not in _CACHE_SUFFICES",
        "fresh = False",
        f"{_ENGINE}test_evidence.py::test_t09_what_somebody_has_become_since_counts",
    ),
    Mutant(
        "a terminal decides on nothing",
        JUDGING,
        "if said.request.surface is Surface.TERMINAL:",
        "if False:",
        f"{_ENGINE}test_deciding.py::test_a_terminal_decides_on_nothing",
    ),
    Mutant(
        "who may deny",
        JUDGING,
        "if not seen.rights.allowed and not sets_held(",
        "if False and not sets_held(",
        f"{_ENGINE}test_deciding.py::test_who_may_approve_may_deny_and_nobody_else",
    ),
    Mutant(
        "who may cancel",
        JUDGING,
        "if actor.team_id != requester.team_id or not own:",
        "if False:",
        f"{_ENGINE}test_deciding.py::test_the_requester_alone_cancels",
    ),
    Mutant(
        "who may replace",
        REQUESTING,
        "return other.state in WAITING and (own or rights.allowed)",
        "return other.state in WAITING",
        f"{_ENGINE}test_requesting.py::test_t28_a_waiting_request_gives_way_to_its_own_requester",
    ),
    # --- the button ---------------------------------------------------------------------------------------------------
    Mutant(
        "an address is bound to its channel",
        ADDRESSING,
        " or token.channel != request.place.channel:",
        ":",
        f"{_ENGINE}test_deciding.py::test_t07_an_address_counts_on_its_own_message_alone",
    ),
    Mutant(
        "an address is bound to its message",
        ADDRESSING,
        "if request.message != shown:",
        "if False:",
        f"{_ENGINE}test_deciding.py::test_t07_an_address_counts_on_its_own_message_alone",
    ),
    Mutant(
        "an address is bound to its purpose",
        ADDRESSING,
        "token.purpose != kind or ",
        "",
        f"{_ENGINE}test_deciding.py::test_t07_an_address_counts_for_its_own_purpose_alone",
    ),
    Mutant(
        "an address is pressed, never typed",
        ADDRESSING,
        "if request.surface not in _PRESSED or ",
        "if ",
        f"{_ENGINE}test_deciding.py::test_t07_an_address_counts_on_its_own_message_alone",
    ),
    Mutant(
        "a copy goes to no requester",
        COPYING,
        "sorted(user for user in users if policy.human_of(user) not in own)",
        "sorted(users)",
        f"{_ENGINE}test_copies.py::test_the_requester_gets_none",
    ),
    Mutant(
        "a copy goes to who may approve alone",
        COPYING,
        "return [user for user, may in zip(named, judged, strict=True) if may]",
        "return list(named)",
        f"{_ENGINE}test_copies.py::test_whoever_may_approve_gets_a_copy_with_the_card",
    ),
    Mutant(
        "a copy follows its card",
        "bot/engine/keeping.py",
        "for copy in operation.copies:",
        "for copy in operation.copies if operation.version == 1 else ():",
        f"{_ENGINE}test_copies.py::test_once_it_is_over_no_copy_has_a_button",
    ),
    Mutant(
        "who got a copy never changes",
        "bot/store/migrations/0006_card_copies.sql",
        "IF NEW.copies IS DISTINCT FROM OLD.copies THEN",
        "IF false THEN",
        f"{_STORE}test_operations_refused.py::test_what_may_not_be_is_refused",
    ),
    # --- time ---------------------------------------------------------------------------------------------------------
    Mutant(
        "expiry by the database's clock: at the click",
        DECIDING,
        "now = await transaction.now()",
        "now = workshop.clock.now()",
        f"{_ENGINE}test_deciding.py::test_t06_the_database_decides_what_time_it_is",
    ),
    Mutant(
        "expiry by the database's clock: by itself",
        "bot/engine/timers.py",
        "now = await transaction.now()",
        "now = self._workshop.clock.now()",
        f"{_ENGINE}test_timers.py::test_t06_a_wrong_clock_ends_nothing_early_and_nothing_late",
    ),
    Mutant(
        "what is late is not decided on",
        TRANSITIONS,
        "    if overdue(operation, now):\n        raise NotPossible",
        "    if False:\n        raise NotPossible",
        f"{_DOMAIN}test_operations.py::test_time_is_over_at_its_last_moment",
    ),
    Mutant(
        "what is late does not begin: domain",
        TRANSITIONS,
        "if overdue(operation, now) or not operation.quorum.met:",
        "if not operation.quorum.met:",
        f"{_DOMAIN}test_operations.py::test_time_is_over_at_its_last_moment",
    ),
    Mutant(
        "what is late does not begin: database",
        QUERIES,
        " AND (state = 'EXECUTING' OR execute_by > clock_timestamp())",
        "",
        f"{_STORE}test_operations_work.py::test_what_may_not_begin_any_more_is_not_handed_out",
    ),
    Mutant(
        "evidence is fresh: at the click",
        JUDGING,
        "if (workshop.clock.now() - seen.at).total_seconds() > FRESH_S:",
        "if False:",
        f"{_ENGINE}test_deciding.py::test_what_was_read_long_ago_is_read_again",
    ),
    Mutant(
        "evidence is fresh: at the claim",
        EXECUTING,
        "if age_s > FRESH_S or hold.left_s <= 0:",
        "if hold.left_s <= 0:",
        f"{_ENGINE}test_executing.py::test_what_was_read_long_ago_begins_nothing",
    ),
    Mutant(
        "what was claimed long ago is not written",
        RECOVERING,
        "        if late:\n",
        "        if False:\n",
        f"{_ENGINE}test_recovering.py::test_a_claim_that_is_long_past_is_not_carried_out",
    ),
    # --- the object ---------------------------------------------------------------------------------------------------
    Mutant(
        "the object is compared: at the click",
        JUDGING,
        'moved = (seen.evidence.problem if seen.evidence else "") or policy_problem(workshop, operation)',
        "moved = policy_problem(workshop, operation)",
        f"{_ENGINE}test_deciding.py::test_t14_what_changed_since_is_not_approved",
    ),
    Mutant(
        "the object is compared: before the claim",
        EXECUTING,
        "if evidence.problem:",
        "if False:",
        f"{_ENGINE}test_executing.py::test_t14_what_drifted_before_the_claim_is_superseded",
    ),
    Mutant(
        "the object is compared: before the write",
        RECOVERING,
        "problem = drift(operation.plan.draft, live, stamp_of(operation))",
        'problem = ""',
        f"{_ENGINE}test_executing.py::test_t15_what_drifts_after_the_claim_is_not_written",
    ),
    Mutant(
        "the object is the one of that uid",
        EVIDENCE,
        "if target.uid and live.uid != target.uid:",
        "if False:",
        f"{_ENGINE}test_deciding.py::test_t14_another_object_of_the_same_name_is_another_object",
    ),
    Mutant(
        "the object is the one of that uid: in the recovery",
        RECOVERY,
        "replaced = live.object is not None and bool(target.uid) and live.uid != target.uid",
        "replaced = False",
        f"{_DOMAIN}test_recovery.py::test_our_mark_on_another_object_proves_nothing",
    ),
    Mutant(
        "an object that cannot be read is not as planned",
        JUDGING,
        "if seen.problem:",
        "if False:",
        f"{_ENGINE}test_deciding.py::test_a_cluster_that_does_not_answer_is_no_sign_of_no_change",
    ),
    Mutant(
        "one change of an object at a time",
        TABLES,
        "CREATE UNIQUE INDEX operations_one_for_a_target",
        "CREATE INDEX operations_one_for_a_target",
        f"{_STORE}test_operations.py::test_of_eight_who_ask_for_one_target_at_once_one_is_kept",
    ),
    Mutant(
        "a doubt blocks its object",
        TABLES,
        "\n    WHERE state IN ('PENDING', 'APPROVED', 'EXECUTING') OR (state = 'UNKNOWN' AND resolution IS NULL);",
        "\n    WHERE state IN ('PENDING', 'APPROVED', 'EXECUTING');",
        f"{_STORE}test_operations.py::test_what_is_open_or_in_doubt_blocks",
    ),
    Mutant(
        "the server tries it before anybody is asked",
        REQUESTING,
        "await self._rehearse(operation)",
        "pass",
        f"{_ENGINE}test_requesting.py::test_what_the_server_would_refuse_is_not_asked_for",
    ),
    # --- before it begins ---------------------------------------------------------------------------------------------
    Mutant(
        "approvers are judged again",
        EXECUTING,
        "lost = await votes_lost(workshop, operation)",
        "lost: Mapping[str, str] = {}",
        f"{_ENGINE}test_executing.py::test_t10_an_approver_who_left_the_group_counts_no_longer",
    ),
    Mutant(
        "approvers who cannot be judged let nothing begin",
        EVIDENCE,
        "if rights.membership is None:",
        "if False:",
        f"{_ENGINE}test_evidence.py::test_a_directory_that_does_not_answer_says_nothing_of_votes",
    ),
    Mutant(
        "a quorum at the claim",
        TRANSITIONS,
        "if overdue(operation, now) or not operation.quorum.met:",
        "if overdue(operation, now):",
        f"{_DOMAIN}test_operations.py::test_a_vote_on_another_plan_does_not_count",
    ),
    Mutant(
        "the policy is asked again: at the click",
        JUDGING,
        'moved = (seen.evidence.problem if seen.evidence else "") or policy_problem(workshop, operation)',
        'moved = seen.evidence.problem if seen.evidence else ""',
        f"{_ENGINE}test_deciding.py::test_t30_a_stricter_policy_ends_the_request",
    ),
    Mutant(
        "the policy is asked again: before the claim",
        EXECUTING,
        "problem = policy_problem(workshop, operation)",
        'problem = ""',
        f"{_ENGINE}test_executing.py::test_t30_a_policy_that_forbids_it_now_ends_it",
    ),
    Mutant(
        "a freeze",
        "bot/domain/change_policy.py",
        "        if frozen:\n",
        "        if False:\n",
        f"{_ENGINE}test_executing.py::test_t30_a_policy_that_forbids_it_now_ends_it",
    ),
    Mutant(
        "a stricter rule",
        "bot/domain/change_policy.py",
        "if not as_strict(plan.rule, self.rule_for(draft.verb, draft.risk, draft.where)):",
        "if False:",
        f"{_ENGINE}test_executing.py::test_t30_a_policy_that_forbids_it_now_ends_it",
    ),
    # --- the write ----------------------------------------------------------------------------------------------------
    Mutant(
        "the write is bound to the version that was read",
        WRITER,
        "body=[dict(each) for each in write.operations],",
        "body=[dict(each) for each in write.operations[1:]],",
        f"{_ENGINE}test_executing.py::test_t15_what_drifts_between_read_and_write_is_not_overwritten",
    ),
    Mutant(
        "a patch without a version is not sent",
        WRITER,
        "            _check_precondition(write)\n",
        "",
        "tests/bot/cluster/test_writer.py::test_a_patch_that_fits_any_state_is_never_sent",
    ),
    Mutant(
        "an eviction is bound to the version that was read",
        WRITER,
        'preconditions = {"uid": write.uid, "resourceVersion": write.resource_version}',
        'preconditions = {"uid": write.uid}',
        f"{_ENGINE}test_recovering.py::test_t21_an_object_that_moved_needs_no_void_mark",
    ),
    Mutant(
        "marker",
        STEPS,
        "marks = {MARKER: stamp.operation_id, CHANGE_CAUSE: stamp.cause}",
        "marks = {CHANGE_CAUSE: stamp.cause}",
        f"{_ENGINE}test_recovering.py::test_t22_a_lost_answer_after_the_effect_is_found_out",
    ),
    Mutant(
        "marker: over what the revision carries",
        STEPS,
        "wanted = {**(annotations_of(live.object) if over is None else over), **marks}",
        "wanted = {**marks, **(annotations_of(live.object) if over is None else over)}",
        f"{_DOMAIN}test_steps.py::test_a_rollback_sets_the_annotations_that_kubectl_would_and_ours_over_them",
    ),
    Mutant(
        "a marker that is not ours proves nothing of us",
        RECOVERY,
        "if not replaced and live.marker == operation_id:",
        "if not replaced and live.marker:",
        f"{_ENGINE}test_recovering.py::test_t17b_the_mark_of_an_older_request_is_not_ours",
    ),
    Mutant(
        "a third marker hides ours",
        RECOVERY,
        'if live.marker not in ("", attempts[-1].prior_marker):',
        "if False:",
        f"{_DOMAIN}test_recovery.py::test_a_third_mark_hides_what_became_of_ours",
    ),
    Mutant(
        "traces of what was taken back",
        RECOVERY,
        "trace = step.trace(live, stamp, generation=attempts[-1].generation)",
        'trace = ""',
        f"{_DOMAIN}test_recovery.py::test_as_before_with_a_trace_somebody_reversed_it",
    ),
    Mutant(
        "void mark is set",
        RECOVERING,
        "if not any(each.outcome in _DOUBTFUL and each.resource_version in versions for each in attempts):",
        "if versions:",
        f"{_ENGINE}test_recovering.py::test_t21_a_late_write_meets_the_void_mark",
    ),
    Mutant(
        "void mark is heeded",
        RECOVERING,
        "if annotations_of(live.object).get(VOID) == operation.id:",
        "if False:",
        f"{_ENGINE}test_recovering.py::test_a_void_mark_of_this_request_stops_it",
    ),
    Mutant(
        "attempt before the write",
        WRITING,
        "if not await self._hold.workshop.store.operations.begin_attempt(attempt):",
        "if False:",
        f"{_ENGINE}test_recovering.py::test_what_cannot_be_told_is_left_to_a_person",
    ),
    Mutant(
        "lease before sending",
        WRITING,
        "timeout_s = await self._time_left()",
        "timeout_s = workshop.write_timeout_s",
        f"{_ENGINE}test_recovering.py::test_t20_whoever_lost_the_lease_sends_nothing",
    ),
    # --- the fence ----------------------------------------------------------------------------------------------------
    Mutant(
        "fence: raised by whoever takes over",
        QUERIES,
        "fence = fence + CASE state WHEN 'EXECUTING' THEN 1 ELSE 0 END,",
        "fence = fence,",
        f"{_STORE}test_operations_work.py::test_the_fence_is_raised_when_one_that_runs_is_taken",
    ),
    Mutant(
        "fence: at the save",
        QUERIES,
        "WHERE id = %(id)s AND fence = coalesce(%(only_fence)s::integer, fence)",
        "WHERE id = %(id)s",
        f"{_STORE}test_operations.py::test_with_a_fence_that_is_lost_nothing_is_written",
    ),
    Mutant(
        "fence: at the save, under the lock",
        HOLDING,
        "raise FenceLost\n            changed = step(found, now)",
        "pass\n            changed = step(found, now)",
        f"{_ENGINE}test_recovering.py::test_t20_whoever_lost_the_fence_records_nothing",
    ),
    Mutant(
        "fence: at the attempt",
        QUERIES,
        "WHERE id = %(operation_id)s AND fence = %(fence)s AND state = 'EXECUTING' FOR UPDATE",
        "WHERE id = %(operation_id)s AND state = 'EXECUTING' FOR UPDATE",
        f"{_STORE}test_operations_work.py::test_who_lost_the_fence_neither_holds_nor_lets_go",
    ),
    Mutant(
        "fence: at the renewal",
        QUERIES,
        "WHERE id = %(id)s AND fence = %(fence)s AND state IN ('APPROVED', 'EXECUTING')\nRETURNING id;",
        "WHERE id = %(id)s AND state IN ('APPROVED', 'EXECUTING')\nRETURNING id;",
        f"{_STORE}test_operations_work.py::test_who_lost_the_fence_neither_holds_nor_lets_go",
    ),
    Mutant(
        "nothing is written that was not claimed",
        QUERIES,
        "AND fence = %(fence)s AND state = 'EXECUTING' FOR UPDATE",
        "AND fence = %(fence)s FOR UPDATE",
        f"{_STORE}test_operations_work.py::test_nothing_is_written_for_what_has_not_begun",
    ),
    # --- what is for good ---------------------------------------------------------------------------------------------
    Mutant(
        "final states: domain, of what waits",
        TRANSITIONS,
        "if operation.state not in WAITING:",
        "if False:",
        f"{_DOMAIN}test_operations.py::test_each_step_is_possible_in_its_states_and_in_no_other",
    ),
    Mutant(
        "final states: domain, of what runs",
        TRANSITIONS,
        "if operation.state is not State.EXECUTING:",
        "if False:",
        f"{_DOMAIN}test_operations.py::test_each_step_is_possible_in_its_states_and_in_no_other",
    ),
    Mutant(
        "final states: database",
        TABLES,
        "        ELSE false\n    END) THEN",
        "        ELSE true\n    END) THEN",
        f"{_STORE}test_operations_refused.py::test_no_final_state_is_left",
    ),
    Mutant(
        "how it ended stays: database",
        TABLES,
        "IF OLD.ended_at IS NOT NULL AND (NEW.effect",
        "IF false AND (NEW.effect",
        f"{_STORE}test_operations_refused.py::test_how_it_ended_never_changes",
    ),
    Mutant(
        "the plan stays what was shown: database",
        TABLES,
        "RAISE EXCEPTION 'what a request asks for never changes' USING ERRCODE = 'integrity_constraint_violation';",
        "RETURN NEW;",
        f"{_STORE}test_operations_refused.py::test_what_may_not_be_is_refused",
    ),
    Mutant(
        "the plan is of its digest: database",
        TABLES,
        "    CONSTRAINT the_digest_is_of_the_plan CHECK (digest = encode(sha256(convert_to(plan, 'UTF8')), 'hex')),\n",
        "",
        f"{_STORE}test_operations_refused.py::test_a_plan_is_kept_with_its_own_digest_alone",
    ),
    Mutant(
        "the plan is of its digest: when it is read",
        "bot/store/operation_rows.py",
        'if digest_of(row["plan"]) != row["digest"]:',
        "if False:",
        f"{_STORE}test_operations_refused.py::test_a_plan_that_was_changed_by_hand_is_not_read",
    ),
    Mutant(
        "each step is on record",
        "bot/engine/keeping.py",
        "    await transaction.audit(entry)\n",
        "",
        f"{_ENGINE}test_executing.py::test_each_step_is_on_record",
    ),
    Mutant(
        "each refusal is on record",
        DECIDING,
        "                await transaction.audit(refusal(found, said, seen, refused.message))\n",
        "",
        f"{_ENGINE}test_deciding.py::test_t08_nobody_approves_their_own_request",
    ),
    Mutant(
        "an older picture does not cover a newer one: store",
        QUERIES,
        "\nWHERE message_refs.version < excluded.version;",
        ";",
        f"{_STORE}test_messages.py::test_t27_a_newer_picture_takes_the_place_of_an_older_one",
    ),
    Mutant(
        "an older picture does not cover a newer one: delivery",
        "bot/worker/delivery.py",
        "if message_id and version >= post.version:",
        "if False:",
        "tests/bot/test_delivery_of_pictures.py::test_t27_what_is_shown_already_is_not_sent",
    ),
)
