-- subscription_change: one change of a subscription, with its partner resolved.
-- grain: subscription x effective change
-- key: subscription_id, effective_at, seq
-- subscription_id VARCHAR
-- effective_at TIMESTAMP
-- seq BIGINT
-- customer_key VARCHAR
-- partner_id VARCHAR: partner that manages or sold it, resolved through partner_reference; null where unresolved
-- partner_ref VARCHAR: partner that manages or sold it, as exported
-- product VARCHAR
-- change VARCHAR
-- change_raw VARCHAR
-- mrr DECIMAL(18,4)
-- prev_mrr DECIMAL(18,4)
-- currency VARCHAR
-- term_start DATE
-- term_end DATE
-- status VARCHAR
-- status_raw VARCHAR
-- basis VARCHAR
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
        _deleted AND customer_key IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND customer_key IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.subscription_change
    WINDOW record AS (PARTITION BY subscription_id, effective_at, seq)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(effective_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, effective_at)
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY subscription_id, effective_at, seq
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
    SELECT ref, partner_id FROM canonical.partner_reference WHERE is_current
),

final AS (
    SELECT
        newest.subscription_id,
        newest.effective_at,
        newest.seq,
        newest.customer_key,
        identity.partner_id,
        newest.partner_id AS partner_ref,
        newest.product,
        newest.change,
        newest.change_raw,
        newest.mrr,
        newest.prev_mrr,
        newest.currency,
        newest.term_start,
        newest.term_end,
        newest.status,
        newest.status_raw,
        newest.basis,
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
