-- learning_record: the newest version of one attempt at a course, with the learner's partner resolved.
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

identities AS (
    SELECT ref, partner_id FROM canonical.partner_identity WHERE is_current
),

people AS (
    SELECT person_id, partner_id FROM canonical.person
),

final AS (
    SELECT
        newest.learning_id,
        newest.person_id,
        coalesce(identity.partner_id, person.partner_id) AS partner_id,
        newest.partner_id AS partner_ref,
        newest.course_code,
        newest.course_name,
        newest.course_type,
        newest.parent,
        newest.enrolled_at,
        newest.started_at,
        newest.last_activity_at,
        newest.completed_at,
        newest.status,
        newest.status_raw,
        newest.progress_pct,
        newest.score_raw,
        newest.score_max,
        newest.score_scaled,
        newest.success,
        newest.time_spent_s,
        newest.due_on,
        newest.archived,
        newest.source_modified_at,
        newest.known_at,
        newest._source,
        newest._file,
        newest._file_sha256,
        newest._row,
        newest._loaded_at,
        newest._extra,
        newest.is_deleted AS _deleted
    FROM newest
    LEFT JOIN identities AS identity ON newest.partner_id = identity.ref
    LEFT JOIN people AS person ON newest.person_id = person.person_id
)

SELECT * FROM final
