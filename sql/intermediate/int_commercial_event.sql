-- int_commercial_event: the days on which a partner did business: registered, sourced or won a deal.
-- grain: partner x kind x record
-- key: partner_id, kind, ref_id
-- partner_id VARCHAR: partner
-- event_on DATE: local day: submission of a registration, creation of a sourced deal, closing of a won deal
-- kind VARCHAR: registration (not a draft, not rejected), sourced_deal, or won_deal (in a revenue role)
-- ref_id VARCHAR: native key of the registration or deal
-- known_on DATE: local day on which we knew of it
WITH events AS (
    SELECT
        partner_id,
        submitted_at AS happened_at,
        'registration' AS kind,
        deal_reg_id AS ref_id,
        known_at
    FROM canonical.deal_registration
    WHERE NOT _deleted AND status NOT IN ('draft', 'rejected') AND submitted_at IS NOT NULL
    UNION ALL
    SELECT
        source_partner_id AS partner_id,
        created_at AS happened_at,
        'sourced_deal' AS kind,
        deal_id AS ref_id,
        known_at
    FROM intermediate.int_deal
    WHERE NOT is_excluded
    UNION ALL
    SELECT
        role.partner_id,
        deal.closed_at AS happened_at,
        'won_deal' AS kind,
        deal.deal_id AS ref_id,
        deal.closed_known_at AS known_at
    FROM intermediate.int_deal AS deal
    INNER JOIN (
        SELECT DISTINCT deal_id, partner_id FROM intermediate.int_deal_partner WHERE is_revenue_role
    ) AS role ON deal.deal_id = role.deal_id
    WHERE deal.outcome = 'won' AND NOT deal.is_excluded
),

final AS (
    SELECT
        events.partner_id,
        CAST(((events.happened_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS event_on,
        events.kind,
        events.ref_id,
        CAST(((greatest(events.known_at, events.happened_at) AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS known_on
    FROM events
    INNER JOIN intermediate.int_partner AS partner ON events.partner_id = partner.partner_id
    CROSS JOIN run_settings AS s
    WHERE events.happened_at < s.as_of_end
)

SELECT * FROM final
