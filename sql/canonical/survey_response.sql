-- survey_response: one answer to a survey, with its partner resolved.
-- grain: one answer
-- key: response_id
-- response_id VARCHAR
-- partner_id VARCHAR: partner, resolved: as exported, else the partner of the person; null where unresolved
-- partner_ref VARCHAR: partner, as exported
-- person_id VARCHAR
-- survey_code VARCHAR
-- metric VARCHAR
-- metric_raw VARCHAR
-- score DOUBLE
-- scale_min DOUBLE
-- scale_max DOUBLE
-- responded_at TIMESTAMP
-- comment VARCHAR
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
        _deleted AND survey_code IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND survey_code IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.survey_response
    WINDOW record AS (PARTITION BY response_id)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(responded_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, responded_at)
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY response_id
        ORDER BY
            is_absence,
            coalesce(_loaded_at > absent_at, TRUE) DESC,
            _loaded_at DESC,
            _file DESC,
            _row DESC,
            _preset DESC,
            _row_hash DESC
    ) = 1
),

identities AS (
    SELECT ref, partner_id, valid_from, coalesce(valid_to, TIMESTAMP '9999-12-31') AS valid_to
    FROM canonical.partner_reference
),

people AS (
    SELECT person_id, partner_id, valid_from, coalesce(valid_to, TIMESTAMP '9999-12-31') AS valid_to
    FROM canonical.person_partner
),

final AS (
    SELECT
        newest.response_id,
        coalesce(identity.partner_id, person.partner_id) AS partner_id,
        newest.partner_id AS partner_ref,
        newest.person_id,
        newest.survey_code,
        newest.metric,
        newest.metric_raw,
        newest.score,
        newest.scale_min,
        newest.scale_max,
        newest.responded_at,
        newest.comment,
        newest.known_at,
        newest._source,
        newest._file,
        newest._file_sha256,
        newest._row,
        newest._loaded_at,
        newest._extra,
        newest.is_deleted AS _deleted
    FROM newest
    LEFT JOIN identities AS identity
        ON newest.partner_id = identity.ref AND newest.responded_at >= identity.valid_from AND newest.responded_at < identity.valid_to
    LEFT JOIN people AS person
        ON newest.person_id = person.person_id AND newest.responded_at >= person.valid_from AND newest.responded_at < person.valid_to
)

SELECT * FROM final
