-- certification: the newest version of one award, with the holder's partner resolved.
-- grain: one award
-- key: award_id
-- award_id VARCHAR
-- person_id VARCHAR
-- partner_id VARCHAR: partner as the LMS groups the holder, resolved: as exported, else the partner of the person;
--   null where unresolved
-- partner_ref VARCHAR: partner as the LMS groups the holder, as exported
-- cert_code VARCHAR
-- cert_name VARCHAR
-- level VARCHAR
-- product_line VARCHAR
-- issued_at TIMESTAMP
-- expires_at TIMESTAMP
-- expires_basis VARCHAR
-- status VARCHAR
-- status_raw VARCHAR
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
        _deleted AND cert_code IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND cert_code IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.certification
    WINDOW record AS (PARTITION BY award_id)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(issued_at, source_modified_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, issued_at)
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY award_id
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
        newest.award_id,
        newest.person_id,
        coalesce(identity.partner_id, person.partner_id) AS partner_id,
        newest.partner_id AS partner_ref,
        newest.cert_code,
        newest.cert_name,
        newest.level,
        newest.product_line,
        newest.issued_at,
        newest.expires_at,
        newest.expires_basis,
        newest.status,
        newest.status_raw,
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
