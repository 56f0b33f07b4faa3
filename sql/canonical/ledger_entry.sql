-- ledger_entry: the newest version of one signed amount, with its partner resolved.
-- grain: one signed amount between us and partners, or a programme cost
-- key: entry_id
-- entry_id VARCHAR
-- partner_id VARCHAR: partner, resolved through partner_reference; null for shared cost and where unresolved
-- partner_ref VARCHAR: partner, as exported; null for shared cost
-- kind VARCHAR
-- kind_raw VARCHAR
-- direction VARCHAR
-- direction_raw VARCHAR
-- amount DECIMAL(18,4)
-- currency VARCHAR
-- incurred_on DATE
-- period_start DATE
-- period_end DATE
-- status VARCHAR
-- status_raw VARCHAR
-- opportunity_id VARCHAR
-- customer_key VARCHAR
-- reference VARCHAR
-- allocation_method VARCHAR
-- allocation_share DOUBLE
-- source_modified_at TIMESTAMP: from when the source holds the entry to be so
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
        _deleted AND amount IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND amount IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.ledger_entry
    WINDOW record AS (PARTITION BY entry_id)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(CAST(incurred_on AS TIMESTAMP), TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, CAST(incurred_on AS TIMESTAMP))
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY entry_id
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
        newest.entry_id,
        identity.partner_id,
        newest.partner_id AS partner_ref,
        newest.kind,
        newest.kind_raw,
        newest.direction,
        newest.direction_raw,
        newest.amount,
        newest.currency,
        newest.incurred_on,
        newest.period_start,
        newest.period_end,
        newest.status,
        newest.status_raw,
        newest.opportunity_id,
        newest.customer_key,
        newest.reference,
        newest.allocation_method,
        newest.allocation_share,
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
