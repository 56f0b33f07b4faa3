-- opportunity: the newest version of one deal, with its source partner resolved.
-- grain: one deal, current state
-- key: opportunity_id
-- opportunity_id VARCHAR
-- name VARCHAR
-- customer_key VARCHAR
-- customer_domain VARCHAR
-- pipeline VARCHAR
-- stage_raw VARCHAR
-- stage_class VARCHAR: won, lost, omitted or open by is_won and is_closed; unknown where nobody says
-- stage_order BIGINT: position of the stage in its process, as exported, else by stage_map
-- is_closed BOOLEAN: as exported, else by stage_map, else by the class that the mapping gives the stage's name
-- is_won BOOLEAN: known in the same way
-- amount DECIMAL(18,4)
-- amount_at_creation DECIMAL(18,4)
-- currency VARCHAR
-- probability DOUBLE
-- created_at TIMESTAMP
-- expected_close_on DATE
-- closed_at TIMESTAMP: closing of a closed deal; null while open
-- closed_basis VARCHAR: how the closing is known: field (the source keeps it), stage_event (last recorded entry into won
--   or lost), close_date (start of the stated day), modified (last change, or creation)
-- lost_reason VARCHAR
-- deal_type VARCHAR
-- deal_type_raw VARCHAR
-- lead_source VARCHAR
-- deal_reg_id VARCHAR
-- source_partner_id VARCHAR: source partner set in the CRM, resolved through partner_reference; null where unresolved
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
WITH judged AS (
    SELECT
        deal.* EXCLUDE (is_closed, is_won, stage_order),
        coalesce(deal.is_won, coalesce(in_pipeline.is_won, in_any.is_won, deal.stage_class = 'won') AND coalesce(deal.is_closed, TRUE))
            AS is_won,
        coalesce(
            deal.is_closed OR deal.is_won,
            deal.is_closed,
            in_pipeline.is_closed,
            in_any.is_closed,
            deal.stage_class IN ('won', 'lost')
        ) AS is_closed,
        coalesce(deal.stage_order, in_pipeline.stage_order, in_any.stage_order) AS stage_order,
        coalesce(in_pipeline.stage_class, in_any.stage_class) AS mapped_class,
        coalesce(deal.is_closed, deal.is_won) IS NOT NULL AS says_itself
    FROM lake.opportunity AS deal
    LEFT JOIN canonical.stage_map AS in_pipeline
        ON
            deal._source = in_pipeline.source
            AND deal.pipeline = in_pipeline.pipeline
            AND deal.stage_raw = in_pipeline.stage
    LEFT JOIN canonical.stage_map AS in_any
        ON deal._source = in_any.source AND deal.stage_raw = in_any.stage AND in_any.pipeline = ''
),

versions AS (
    SELECT
        *,
        -- A key that a complete export no longer has is told by a row without content.
        _deleted AND stage_raw IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND stage_raw IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) FILTER (WHERE is_closed) OVER record AS first_closed_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM judged
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
    SELECT ref, partner_id FROM canonical.partner_reference WHERE is_current
),

stage_entries AS (
    SELECT
        opportunity_id,
        changed_at,
        stage_class,
        lag(stage_class) OVER (PARTITION BY opportunity_id ORDER BY changed_at, seq) AS class_before
    FROM canonical.opportunity_stage_event
    WHERE NOT _deleted
),

-- Changes within a closed stage are no closing.
closings AS (
    SELECT opportunity_id, stage_class, max(changed_at) AS changed_at
    FROM stage_entries
    WHERE stage_class IN ('won', 'lost') AND stage_class IS DISTINCT FROM class_before
    GROUP BY opportunity_id, stage_class
),

final AS (
    SELECT
        newest.opportunity_id,
        newest.name,
        newest.customer_key,
        newest.customer_domain,
        newest.pipeline,
        newest.stage_raw,
        CASE
            WHEN newest.is_won THEN 'won'
            WHEN newest.is_closed THEN 'lost'
            WHEN newest.stage_class = 'omitted' OR newest.mapped_class = 'omitted' THEN 'omitted'
            WHEN newest.stage_class = 'unknown' AND newest.mapped_class IS NULL AND NOT newest.says_itself THEN 'unknown'
            ELSE 'open'
        END AS stage_class,
        newest.stage_order,
        newest.is_closed,
        newest.is_won,
        newest.amount,
        newest.amount_at_creation,
        newest.currency,
        newest.probability,
        newest.created_at,
        newest.expected_close_on,
        CASE
            WHEN newest.is_closed THEN coalesce(
                newest.closed_at,
                closing.changed_at,
                (CAST(newest.expected_close_on AS TIMESTAMP) AT TIME ZONE s.timezone) AT TIME ZONE 'UTC',
                newest.source_modified_at,
                newest.created_at
            )
        END AS closed_at,
        CASE
            WHEN NOT newest.is_closed THEN NULL
            WHEN newest.closed_at IS NOT NULL THEN 'field'
            WHEN closing.changed_at IS NOT NULL THEN 'stage_event'
            WHEN newest.expected_close_on IS NOT NULL THEN 'close_date'
            ELSE 'modified'
        END AS closed_basis,
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
    CROSS JOIN run_settings AS s
    LEFT JOIN closings AS closing
        ON
            newest.opportunity_id = closing.opportunity_id
            AND CASE WHEN newest.is_won THEN 'won' ELSE 'lost' END = closing.stage_class
    LEFT JOIN identities AS identity ON newest.source_partner_id = identity.ref
)

SELECT * FROM final
