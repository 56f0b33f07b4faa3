-- agreement: the newest version of one agreement, with its partner resolved.
-- grain: one agreement
-- key: agreement_id
-- agreement_id VARCHAR
-- partner_id VARCHAR: partner that signed, resolved through partner_reference; null where unresolved
-- partner_ref VARCHAR: partner that signed, as exported
-- kind VARCHAR
-- kind_raw VARCHAR
-- status VARCHAR
-- status_raw VARCHAR
-- signed_on DATE
-- start_on DATE
-- end_on DATE
-- term_months BIGINT
-- auto_renew BOOLEAN
-- notice_days BIGINT
-- end_reason VARCHAR
-- owner_key VARCHAR
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
        _deleted AND kind IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND kind IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.agreement
    WINDOW record AS (PARTITION BY agreement_id)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(CAST(signed_on AS TIMESTAMP), source_modified_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, CAST(signed_on AS TIMESTAMP))
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY agreement_id
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
        newest.agreement_id,
        identity.partner_id,
        newest.partner_id AS partner_ref,
        newest.kind,
        newest.kind_raw,
        newest.status,
        newest.status_raw,
        newest.signed_on,
        newest.start_on,
        newest.end_on,
        newest.term_months,
        newest.auto_renew,
        newest.notice_days,
        newest.end_reason,
        newest.owner_key,
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
