-- int_scope_period: the scopes and periods for which there is something to tell, also where the answer is zero.
-- grain: scope x period
-- key: scope_kind, scope_id, period
-- scope_kind VARCHAR: program, segment, tier, region, owner, partner or partner_family
-- scope_id VARCHAR: the scope
-- period VARCHAR: period
-- period_kind VARCHAR: quarter, month, trailing or to_date
-- period_start DATE: first day
-- period_end DATE: day after the last day
-- is_partial BOOLEAN: not finished at the as-of date
-- has_partners BOOLEAN: false for owners of deals who manage no partner: nothing that is counted by partner is theirs
-- note: a scope begins with the first signature, deal, touch, registration or cost of a partner in it, and with the
--   first period where no partner has a date; partners and families have no months
WITH first_days AS (
    SELECT partner_id, min(first_on) AS first_on
    FROM (
        SELECT partner_id, signed_on AS first_on FROM intermediate.int_partner
        UNION ALL
        SELECT partner_id, event_on AS first_on FROM intermediate.int_commercial_event
        UNION ALL
        SELECT partner_id, incurred_on AS first_on FROM intermediate.int_ledger WHERE partner_id IS NOT NULL
        UNION ALL
        SELECT touched.partner_id, least(deal.created_on, deal.closed_on) AS first_on
        FROM (
            SELECT partner_id, deal_id FROM intermediate.int_deal_partner
            UNION
            SELECT partner_id, deal_id FROM intermediate.int_deal_touch
        ) AS touched
        INNER JOIN intermediate.int_deal AS deal ON touched.deal_id = deal.deal_id
    )
    GROUP BY partner_id
),

partner_scopes AS (
    SELECT scope.scope_kind, scope.scope_id, min(first_days.first_on) AS first_on
    FROM intermediate.int_partner_scope AS scope
    LEFT JOIN first_days ON scope.partner_id = first_days.partner_id
    GROUP BY scope.scope_kind, scope.scope_id
),

deal_owners AS (
    SELECT scope.scope_kind, scope.scope_id, min(deal.created_on) AS first_on
    FROM intermediate.int_deal_scope AS scope
    INNER JOIN intermediate.int_deal AS deal ON scope.deal_id = deal.deal_id
    WHERE
        scope.scope_kind = 'owner'
        AND scope.scope_id NOT IN (SELECT scope_id FROM intermediate.int_partner_scope WHERE scope_kind = 'owner')
    GROUP BY scope.scope_kind, scope.scope_id
),

scopes AS (
    SELECT scope_kind, scope_id, first_on, TRUE AS has_partners FROM partner_scopes
    UNION ALL
    SELECT scope_kind, scope_id, first_on, FALSE AS has_partners FROM deal_owners
),

final AS (
    SELECT
        scopes.scope_kind,
        scopes.scope_id,
        period.period,
        period.period_kind,
        period.period_start,
        period.period_end,
        period.is_partial,
        scopes.has_partners
    FROM scopes
    CROSS JOIN intermediate.int_fiscal_period AS period
    WHERE
        (scopes.first_on IS NULL OR period.period_end > scopes.first_on)
        AND (period.period_kind <> 'month' OR scopes.scope_kind NOT IN ('partner', 'partner_family'))
)

SELECT * FROM final
