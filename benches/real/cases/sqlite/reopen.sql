-- Run twice on the same file: the second time finds what the first one wrote.
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, note TEXT UNIQUE);
INSERT INTO runs (note) SELECT 'run ' || (1 + count(*)) FROM runs;
SELECT * FROM runs;
PRAGMA journal_mode = TRUNCATE;
BEGIN;
CREATE TABLE t (x BLOB);
INSERT INTO t VALUES (zeroblob(100000)), (randomblob(0)), (x'00ff');
SELECT sum(length(x)) FROM t;
ROLLBACK;
