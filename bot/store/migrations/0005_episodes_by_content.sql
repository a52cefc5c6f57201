-- The rules and services of an episode are in its content; beside it they were written and never read. No version that was
-- released writes them.
ALTER TABLE episodes
    DROP COLUMN rules,
    DROP COLUMN services;
