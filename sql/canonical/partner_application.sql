-- partner_application: the newest version of one application to the programme.
-- grain: one application to the programme
-- key: application_id
-- application_id VARCHAR
-- partner_id VARCHAR: partner that it became, resolved through partner_reference; null where unresolved
-- partner_ref VARCHAR: partner that it became, as exported
-- name VARCHAR
-- domain VARCHAR
-- country VARCHAR
-- submitted_at TIMESTAMP
-- decided_at TIMESTAMP
-- status VARCHAR
-- status_raw VARCHAR
-- traits VARCHAR
-- applied_traits VARCHAR: traits as they were first received, before anybody completed them
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
        _deleted AND name IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND name IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        first_value(traits) OVER (
            PARTITION BY application_id
            ORDER BY traits IS NULL, _loaded_at, source_modified_at NULLS LAST, _file, _row, _preset, _row_hash
        ) AS applied_traits,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.partner_application
    WINDOW record AS (PARTITION BY application_id)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(submitted_at, source_modified_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, submitted_at)
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY application_id
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
    SELECT ref, partner_id FROM canonical.partner_reference WHERE is_current
),

final AS (
    SELECT
        newest.application_id,
        identity.partner_id,
        newest.partner_id AS partner_ref,
        newest.name,
        newest.domain,
        newest.country,
        newest.submitted_at,
        newest.decided_at,
        newest.status,
        newest.status_raw,
        newest.traits,
        newest.applied_traits,
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
)

SELECT * FROM final
