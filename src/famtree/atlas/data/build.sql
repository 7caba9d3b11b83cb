-- From the table `raw`, one row a scanned checkpoint, to the tables of an atlas.
-- `id` is the checkpoint's number, `key` its name in lower case, by which links find each other.

CREATE TABLE meta (key VARCHAR, value VARCHAR);

-- One row a checkpoint: the last one read that is an answer. Documents are long, so they are not
-- sorted with their rows, each is read once for all that is wanted of it, and goes no further.
CREATE TEMP TABLE picked AS
SELECT (row_number() OVER (ORDER BY key))::INTEGER AS id, key, place FROM (
    SELECT lower(coalesce(name, ref)) AS key, arg_max(rowid, (input, rowid)) AS place
    FROM raw
    WHERE error_code IS NULL AND document IS NOT NULL AND json_valid(document)
    GROUP BY key
);

CREATE TEMP TABLE chosen AS
SELECT * EXCLUDE (document, found), found[1] AS chain, found[2] AS quantization_document,
       found[3] AS fingerprint, json_extract_string(found[4], '$') AS unknown_because
FROM (
    SELECT id, key, raw.*, json_extract(document, [
        '$.lineage.chain', '$.quantization', '$.fingerprint', '$.unknown_because']) AS found
    FROM picked JOIN raw ON raw.rowid = picked.place
);

-- No scan writes longer lists; a stranger's of a million would take minutes.
CREATE TABLE claims AS
SELECT id, key AS child, lower(told.parent) AS parent_key, told.parent, told.source, told.relation,
       told.revision, told.weight
FROM (
    SELECT id, key, unnest(from_json(claims, '[{"parent": "VARCHAR", "source": "VARCHAR",
        "relation": "VARCHAR", "revision": "VARCHAR", "weight": "DOUBLE"}]')) AS told
    FROM chosen
    WHERE CASE WHEN json_valid(claims) THEN json_array_length(claims) BETWEEN 1 AND 1024 END
)
WHERE told.parent IS NOT NULL
ORDER BY child;

-- Links as they were judged, each once: the child's own answer before one that passes through.
CREATE TABLE edges AS
SELECT lower(step.child) AS child, lower(step.parent) AS parent, step.relation, step.status,
       step.confidence
FROM (
    SELECT key, unnest(from_json(chain, '[{"child": "VARCHAR",
        "parent": "VARCHAR", "relation": "VARCHAR", "status": "VARCHAR",
        "confidence": "DOUBLE"}]')) AS step
    FROM chosen WHERE json_array_length(chain) BETWEEN 1 AND 1024
)
WHERE step.child IS NOT NULL AND step.parent IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY lower(step.child), lower(step.parent)
    ORDER BY lower(step.child) = key DESC, step.confidence DESC, step.relation, step.status) = 1
ORDER BY child, parent;

CREATE TABLE checkpoints AS
SELECT id, key, ref, coalesce(name, ref) AS name, revision, source, format, outcome, family,
       generation, size, variant, parameters, confidence, quantization, bits, license, created_at,
       parents, root, lineage_complete, warnings, coalesce(known.children, 0)::INTEGER AS children,
       quantization_document::VARCHAR AS quantization_document, unknown_because
FROM chosen
LEFT JOIN (
    SELECT parent, count(*) AS children FROM edges WHERE status <> 'contradicted' GROUP BY parent
) AS known ON known.parent = chosen.key
ORDER BY id;

CREATE TABLE fingerprints AS
SELECT id, architecture_digest, tokenizer_digest, recipe_digest, found[1] AS vocabulary_digest,
       found[2] AS vocabulary_sketch, found[3] AS model_type,
       try_cast(found[4] AS INTEGER) AS layers, try_cast(found[5] AS INTEGER) AS hidden_size,
       fingerprint::VARCHAR AS document
FROM (
    SELECT *, json_extract_string(fingerprint, [
        '$.tokenizer.vocabulary', '$.tokenizer.sketch', '$.architecture.text_model_type',
        '$.architecture.layers', '$.architecture.hidden_size']) AS found
    FROM chosen
)
ORDER BY id;

CREATE TABLE hashes AS
SELECT sha256, id, count(*)::INTEGER AS files
FROM (SELECT id, unnest(weight_files) AS sha256 FROM chosen)
GROUP BY sha256, id
ORDER BY sha256;

-- Candidates of one design lie together, those most often named as parents first: a look-up reads
-- one stretch. What is random hardly shrinks, and unpacking it would take longer than reading it.
CREATE TABLE sketches (id INTEGER, sketch VARCHAR USING COMPRESSION uncompressed);
INSERT INTO sketches
SELECT id, sketch FROM chosen JOIN checkpoints USING (id) WHERE chosen.sketch IS NOT NULL
ORDER BY chosen.architecture_digest, checkpoints.children DESC, id;

-- What undeclared relatives are looked up by, sorted so that a look-up reads one stretch: those most
-- often named as parents first.
CREATE TABLE signatures AS
SELECT signature, id, children FROM (
    SELECT architecture_digest AS signature, id FROM fingerprints
    WHERE architecture_digest IS NOT NULL
    UNION ALL
    -- The sixteen tokens of smallest hash with their ids, 256 characters of the sketch: the same in
    -- every file format, and where tokens were added, which the digest of all is not.
    SELECT sha256('vocabulary ' || hidden_size || ' ' || left(vocabulary_sketch, 256)), id
    FROM fingerprints WHERE hidden_size IS NOT NULL AND length(vocabulary_sketch) >= 256
) JOIN checkpoints USING (id)
ORDER BY signature, children DESC, id;
