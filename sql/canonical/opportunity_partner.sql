-- opportunity_partner: the newest version of one partner's role on a deal, as the source states it.
-- grain: deal x partner x role
-- key: opportunity_id, partner_ref, role
-- opportunity_id VARCHAR
-- partner_id VARCHAR: partner, resolved through partner_identity; null where unresolved
-- partner_ref VARCHAR: partner, as exported
-- role VARCHAR
-- role_raw VARCHAR
-- is_primary BOOLEAN
-- credit_pct DOUBLE
-- basis VARCHAR
-- first_touch_at TIMESTAMP
-- source_modified_at TIMESTAMP
-- known_at TIMESTAMP: when we knew of it: first receipt, or the record's own time where it came with the first export
-- _source VARCHAR
-- _file VARCHAR
-- _file_sha256 VARCHAR
-- _row BIGINT
-- _loaded_at TIMESTAMP
-- _extra VARCHAR
-- _deleted BOOLEAN: the source deleted it; kept for audit, out of every metric
-- note: sourced and influenced are decided by rule in int_deal_partner; a role here is a claim
WITH versions AS (
    SELECT
        *,
        -- A key that a complete export no longer has is told by a row without content.
        _deleted AND basis IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND basis IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.opportunity_partner
    WINDOW record AS (PARTITION BY opportunity_id, partner_id, role)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(first_touch_at, source_modified_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, first_touch_at)
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY opportunity_id, partner_id, role
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

final AS (
    SELECT
        newest.opportunity_id,
        identity.partner_id,
        newest.partner_id AS partner_ref,
        newest.role,
        newest.role_raw,
        newest.is_primary,
        newest.credit_pct,
        newest.basis,
        newest.first_touch_at,
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
