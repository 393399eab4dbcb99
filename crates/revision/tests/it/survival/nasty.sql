CREATE TABLE owner (id integer PRIMARY KEY, name text);
CREATE TABLE "drug" (
  id integer PRIMARY KEY AUTOINCREMENT, -- never given twice, not even (
  name text NOT NULL COLLATE NOCASE DEFAULT 'it''s; -- not a comment',
  n integer DEFAULT 5 CHECK (drug.n <> 99), /* , */ s varchar(20), m text NOT NULL,
  extra blob DEFAULT x'00ff',
  owner_id integer REFERENCES owner (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  twice integer GENERATED ALWAYS AS (n * 2) VIRTUAL, kept text AS (upper(s)) STORED,
  CONSTRAINT "drug's (check)" CHECK (m <> ')(,'), CHECK (length(m) < 100)
  CONSTRAINT uq UNIQUE (name, m) ON CONFLICT IGNORE
);
CREATE UNIQUE INDEX drug_partial ON drug (m) WHERE n > 3;
CREATE INDEX drug_expression ON drug (lower(name), abs(n));
CREATE INDEX drug_descending ON drug (n DESC, name COLLATE BINARY);
CREATE TABLE dose (id integer PRIMARY KEY, drug_id integer NOT NULL REFERENCES drug (id) ON DELETE CASCADE, at text);
CREATE TABLE mention (drug_id integer REFERENCES "drug" ON DELETE SET NULL, note text);
CREATE TABLE folder (
  id integer PRIMARY KEY, parent_id integer REFERENCES folder (id) ON DELETE CASCADE,
  n integer DEFAULT 5, s varchar(20), m text NOT NULL, extra blob,
  CONSTRAINT named CHECK (m <> 'x'), UNIQUE (parent_id, m)
);
CREATE TABLE reading (
  id integer PRIMARY KEY, n integer DEFAULT 5, s text, m text NOT NULL, extra blob, parent text,
  CONSTRAINT named CHECK (m <> 'x')
) STRICT;
CREATE INDEX reading_m ON reading (m DESC) WHERE s IS NOT NULL;
CREATE TABLE tag (
  word text COLLATE NOCASE, n integer DEFAULT 5, s varchar(20), m text NOT NULL, extra blob,
  CONSTRAINT named CHECK (m <> 'x'), PRIMARY KEY (word)
) WITHOUT ROWID;
CREATE TABLE tagged (word text REFERENCES tag (word) ON DELETE CASCADE ON UPDATE CASCADE, drug_id integer REFERENCES drug (id));
CREATE TABLE log (t text, n integer DEFAULT 5, s varchar(20), m text NOT NULL DEFAULT 'm', extra blob, CONSTRAINT named CHECK (m <> 'x'));
CREATE VIEW drugs_with_owner AS SELECT d.id, d.name, d.m, o.name AS owner FROM drug d LEFT JOIN owner o ON o.id = d.owner_id;
CREATE VIEW everything AS SELECT id, m FROM drugs_with_owner UNION ALL SELECT id, m FROM folder UNION ALL SELECT id, m FROM reading;
CREATE TRIGGER drug_added AFTER INSERT ON drug BEGIN INSERT INTO log (t) VALUES ('new ' || new.name); END;
CREATE TRIGGER drug_changed AFTER UPDATE OF m ON drug WHEN old.m <> new.m BEGIN INSERT INTO log (t) VALUES ('changed; ' || old.m); END;
CREATE TRIGGER owner_gone AFTER DELETE ON owner BEGIN UPDATE drug SET m = m || ' orphan' WHERE owner_id = old.id; DELETE FROM tag WHERE word = old.name; END;
CREATE TRIGGER owner_by_view INSTEAD OF INSERT ON drugs_with_owner BEGIN INSERT INTO drug (name, m) VALUES (new.name, new.m); END;
CREATE TRIGGER folder_gone BEFORE DELETE ON folder BEGIN INSERT INTO log (t, m) SELECT 'gone', m FROM drug WHERE id = old.id; END;
INSERT INTO owner VALUES (1, 'Ada'), (2, NULL);
INSERT INTO drug (id, name, n, s, m, extra, owner_id) VALUES
  (1, 'Aspirin', 1, 'one', 'a', NULL, 1), (2, 'it''s "quoted"', 12, '2', 'b', x'', 1), (7, 'Ümläut', NULL, NULL, 'c' || char(10) || 'd', x'0102', 2), (41, 'gone', 4, '', 'e', NULL, NULL);
DELETE FROM drug WHERE id = 41;
INSERT INTO dose VALUES (1, 1, '08:00'), (2, 1, '20:00'), (3, 7, NULL);
INSERT INTO mention VALUES (1, 'a'), (2, 'b'), (NULL, 'c');
INSERT INTO folder VALUES (1, NULL, 1, 'one', 'root', NULL), (2, 1, NULL, '2', 'child', x'ff'), (3, 2, 3, NULL, 'grandchild', NULL);
INSERT INTO reading VALUES (5, 1, 'one', 'a', NULL, 'p'), (9, NULL, NULL, 'b', x'00', NULL);
INSERT INTO tag VALUES ('Urgent', 1, 'one', 'a', NULL), ('later', NULL, NULL, 'b', x'00');
INSERT INTO tagged VALUES ('Urgent', 1), ('later', 2);
INSERT INTO log (rowid, t, n, s, m, extra) VALUES (33, 'three', 1, NULL, 'a', NULL), (-8, 'minus', NULL, 'x', 'b', x'00'), (1000000000000, 'far', 2, '', 'c', NULL);
ANALYZE;
