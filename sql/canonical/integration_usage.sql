-- integration_usage: one customer's use of one integration on one day.
-- grain: customer x integration x day
-- key: customer_key, integration_code, day
-- customer_key VARCHAR
-- integration_code VARCHAR
-- day DATE
-- partner_id VARCHAR: partner whose integration it is, resolved through partner_reference; null where unresolved
-- partner_ref VARCHAR: partner whose integration it is, as exported
-- events BIGINT
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
        _deleted AND events IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND events IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.integration_usage
    WINDOW record AS (PARTITION BY customer_key, integration_code, day)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(CAST(day AS TIMESTAMP), TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, CAST(day AS TIMESTAMP))
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY customer_key, integration_code, day
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
        newest.customer_key,
        newest.integration_code,
        newest.day,
        identity.partner_id,
        newest.partner_id AS partner_ref,
        newest.events,
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
