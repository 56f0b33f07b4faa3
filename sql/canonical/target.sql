-- target: the newest version of one agreed target, with the partner resolved where it is a partner's.
-- grain: scope x measure x period
-- key: scope_kind, scope_key, measure, period_start, period_end
-- scope_kind VARCHAR
-- scope_key VARCHAR
-- partner_id VARCHAR: the partner of a partner's target, resolved through partner_reference; null for other scopes
-- measure VARCHAR
-- period_start DATE
-- period_end DATE
-- value DECIMAL(18,4)
-- currency VARCHAR
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
        _deleted AND value IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND value IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.target
    WINDOW record AS (PARTITION BY scope_kind, scope_key, measure, period_start, period_end)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(CAST(period_start AS TIMESTAMP), source_modified_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, CAST(period_start AS TIMESTAMP))
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY scope_kind, scope_key, measure, period_start, period_end
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
        newest.scope_kind,
        newest.scope_key,
        identity.partner_id,
        newest.measure,
        newest.period_start,
        newest.period_end,
        newest.value,
        newest.currency,
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
    LEFT JOIN identities AS identity ON newest.scope_kind = 'partner' AND newest.scope_key = identity.ref
)

SELECT * FROM final
