-- opportunity: the newest version of one deal, with its source partner resolved.
-- grain: one deal, current state
-- key: opportunity_id
-- opportunity_id VARCHAR
-- name VARCHAR
-- customer_key VARCHAR
-- customer_domain VARCHAR
-- pipeline VARCHAR
-- stage_raw VARCHAR
-- stage_class VARCHAR
-- stage_order BIGINT
-- is_closed BOOLEAN
-- is_won BOOLEAN
-- amount DECIMAL(18,4)
-- amount_at_creation DECIMAL(18,4)
-- currency VARCHAR
-- probability DOUBLE
-- created_at TIMESTAMP
-- expected_close_on DATE
-- closed_at TIMESTAMP
-- lost_reason VARCHAR
-- deal_type VARCHAR
-- deal_type_raw VARCHAR
-- lead_source VARCHAR
-- deal_reg_id VARCHAR
-- source_partner_id VARCHAR: source partner set in the CRM, resolved through partner_identity; null where unresolved
-- source_partner_ref VARCHAR: source partner set in the CRM, as exported
-- source_partner_set_at TIMESTAMP
-- owner_key VARCHAR
-- last_activity_at TIMESTAMP
-- push_count BIGINT
-- source_modified_at TIMESTAMP
-- closed_seen_at TIMESTAMP: receipt of the first version that says closed; null where the first export said so
--   already, which tells the past
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
        _deleted AND stage_raw IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND stage_raw IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) FILTER (WHERE is_closed) OVER record AS first_closed_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.opportunity
    WINDOW record AS (PARTITION BY opportunity_id)
),

newest AS (
    SELECT
        *,
        -- Files received within half a day of the first export belong to it.
        CASE WHEN first_closed_at >= first_export_at + INTERVAL '12' HOUR THEN first_closed_at END AS closed_seen_at,
        CASE
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(created_at, source_modified_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, created_at)
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY opportunity_id
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
        newest.name,
        newest.customer_key,
        newest.customer_domain,
        newest.pipeline,
        newest.stage_raw,
        newest.stage_class,
        newest.stage_order,
        newest.is_closed,
        newest.is_won,
        newest.amount,
        newest.amount_at_creation,
        newest.currency,
        newest.probability,
        newest.created_at,
        newest.expected_close_on,
        newest.closed_at,
        newest.lost_reason,
        newest.deal_type,
        newest.deal_type_raw,
        newest.lead_source,
        newest.deal_reg_id,
        identity.partner_id AS source_partner_id,
        newest.source_partner_id AS source_partner_ref,
        newest.source_partner_set_at,
        newest.owner_key,
        newest.last_activity_at,
        newest.push_count,
        newest.source_modified_at,
        newest.closed_seen_at,
        newest.known_at,
        newest._source,
        newest._file,
        newest._file_sha256,
        newest._row,
        newest._loaded_at,
        newest._extra,
        newest.is_deleted AS _deleted
    FROM newest
    LEFT JOIN identities AS identity ON newest.source_partner_id = identity.ref
)

SELECT * FROM final
