-- learning_record: the newest version of one attempt at a course, with the learner's partner resolved.
--   Attempts that are told whole stand as told; those that are told in statements are folded from them.
-- grain: person x course x attempt
-- key: learning_id
-- learning_id VARCHAR
-- person_id VARCHAR
-- partner_id VARCHAR: partner as the LMS groups the learner, resolved: as exported, else the partner of the person;
--   null where unresolved
-- partner_ref VARCHAR: partner as the LMS groups the learner, as exported
-- course_code VARCHAR
-- course_name VARCHAR
-- course_type VARCHAR
-- parent VARCHAR
-- enrolled_at TIMESTAMP
-- started_at TIMESTAMP
-- last_activity_at TIMESTAMP
-- completed_at TIMESTAMP
-- status VARCHAR
-- status_raw VARCHAR
-- progress_pct DOUBLE
-- score_raw DOUBLE
-- score_max DOUBLE
-- score_scaled DOUBLE
-- success BOOLEAN
-- time_spent_s BIGINT
-- due_on DATE
-- archived BOOLEAN
-- source_modified_at TIMESTAMP
-- known_at TIMESTAMP: when we knew of it: first receipt, or the record's own time where it came with the first export
-- _source VARCHAR
-- _file VARCHAR
-- _file_sha256 VARCHAR
-- _row BIGINT
-- _loaded_at TIMESTAMP
-- _extra VARCHAR
-- _deleted BOOLEAN: the source deleted it; kept for audit, out of every metric
WITH versions AS (
    SELECT
        *,
        -- A key that a complete export no longer has is told by a row without content.
        _deleted AND course_name IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND course_name IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.learning_record
    WINDOW record AS (PARTITION BY learning_id)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(enrolled_at, started_at, completed_at, source_modified_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, coalesce(enrolled_at, started_at, completed_at))
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY learning_id
        ORDER BY
            is_absence,
            coalesce(_loaded_at > absent_at, TRUE) DESC,
            source_modified_at DESC NULLS LAST,
            _loaded_at DESC,
            _file DESC,
            _row DESC,
            _preset DESC,
            _row_hash DESC
    ) = 1
),

-- A record stands as told; the statements about the same attempt fill what it leaves open, its state too where it
-- knows of no more than the enrolment.
told AS (
    SELECT
        coalesce(newest.learning_id, attempt.learning_id) AS learning_id,
        coalesce(newest.person_id, attempt.person_id) AS person_id,
        coalesce(newest.partner_id, attempt.partner_ref) AS partner_id,
        coalesce(newest.course_code, attempt.course_code) AS course_code,
        coalesce(newest.course_name, attempt.course_name) AS course_name,
        coalesce(newest.course_type, attempt.course_type) AS course_type,
        coalesce(newest.parent, attempt.parent) AS parent,
        coalesce(newest.enrolled_at, attempt.enrolled_at) AS enrolled_at,
        coalesce(newest.started_at, attempt.started_at) AS started_at,
        coalesce(newest.last_activity_at, attempt.last_activity_at) AS last_activity_at,
        coalesce(newest.completed_at, attempt.completed_at) AS completed_at,
        CASE
            WHEN newest.status IN ('enrolled', 'unknown') THEN coalesce(attempt.status, newest.status)
            ELSE coalesce(newest.status, attempt.status)
        END AS status,
        newest.status_raw,
        coalesce(newest.progress_pct, attempt.progress_pct) AS progress_pct,
        coalesce(newest.score_raw, attempt.score_raw) AS score_raw,
        coalesce(newest.score_max, attempt.score_max) AS score_max,
        coalesce(newest.score_scaled, attempt.score_scaled) AS score_scaled,
        coalesce(newest.success, attempt.success) AS success,
        coalesce(newest.time_spent_s, attempt.time_spent_s) AS time_spent_s,
        newest.due_on,
        newest.archived,
        coalesce(newest.source_modified_at, attempt.source_modified_at) AS source_modified_at,
        coalesce(newest.known_at, attempt.known_at) AS known_at,
        coalesce(newest._source, attempt._source) AS _source,
        coalesce(newest._file, attempt._file) AS _file,
        coalesce(newest._file_sha256, attempt._file_sha256) AS _file_sha256,
        coalesce(newest._row, attempt._row) AS _row,
        coalesce(newest._loaded_at, attempt._loaded_at) AS _loaded_at,
        newest._extra,
        coalesce(newest.is_deleted, FALSE) AS is_deleted
    FROM newest
    FULL JOIN canonical.learning_attempt AS attempt ON newest.learning_id = attempt.learning_id
),

identities AS (
    SELECT ref, partner_id, valid_from, coalesce(valid_to, TIMESTAMP '9999-12-31') AS valid_to
    FROM canonical.partner_reference
),

people AS (
    SELECT person_id, partner_id, valid_from, coalesce(valid_to, TIMESTAMP '9999-12-31') AS valid_to
    FROM canonical.person_partner
),

dated AS (
    SELECT
        *,
        coalesce(completed_at, started_at, enrolled_at, last_activity_at, TIMESTAMP '9999-01-01') AS happened_at
    FROM told
),

final AS (
    SELECT
        told.learning_id,
        told.person_id,
        coalesce(identity.partner_id, person.partner_id) AS partner_id,
        told.partner_id AS partner_ref,
        told.course_code,
        told.course_name,
        told.course_type,
        told.parent,
        told.enrolled_at,
        told.started_at,
        told.last_activity_at,
        told.completed_at,
        told.status,
        told.status_raw,
        told.progress_pct,
        told.score_raw,
        told.score_max,
        told.score_scaled,
        told.success,
        told.time_spent_s,
        told.due_on,
        told.archived,
        told.source_modified_at,
        told.known_at,
        told._source,
        told._file,
        told._file_sha256,
        told._row,
        told._loaded_at,
        told._extra,
        told.is_deleted AS _deleted
    FROM told
    LEFT JOIN identities AS identity ON told.partner_id = identity.ref
    LEFT JOIN people AS person ON told.person_id = person.person_id
)

SELECT * FROM final
