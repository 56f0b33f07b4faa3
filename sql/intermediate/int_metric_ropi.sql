-- int_metric_ropi: return on partner investment: margin credited to partners against what they cost, over four fiscal
--   quarters (M35).
-- grain: scope x period x metric
-- key: metric, scope_kind, scope_id, period
-- metric VARCHAR: name of the metric
-- grain VARCHAR: what n counts
-- scope_kind VARCHAR: program, segment, tier, region, owner, partner or partner_family
-- scope_id VARCHAR: the scope
-- period VARCHAR: period
-- period_start DATE: first day
-- period_end DATE: day after the last day
-- is_partial BOOLEAN: not finished at the as-of date
-- unit VARCHAR: ratio, money, days or count
-- kind VARCHAR: share, ratio, sum, duration or score
-- value DOUBLE: the number; fct_metric fills it for shares
-- amount DECIMAL(18,4): the exact amount of money metrics
-- numerator DOUBLE: numerator, or the sum
-- denominator DOUBLE: denominator
-- low DOUBLE: lower end of the 95% interval
-- high DOUBLE: upper end of the 95% interval
-- n BIGINT: how many were counted
-- status VARCHAR: ok, or why the number is missing or weak; fct_metric fills it for shares
-- note: ropi = (benefit - cost) / cost. Benefit: gross margin of won deals credited by attribution.headline; cost:
--   fct_partner_cost. The window is the four fiscal quarters that end with the period
-- note: where no credited deal of the window has a known cost the benefit is revenue, for all scopes alike, and the
--   status says revenue_basis; where some lack it they are left out and the status says incomplete
-- note: no cost entry loaded at all: status absent; cost 0: no_denominator
WITH windows AS (
    SELECT * FROM intermediate.int_ropi_window
),

cost_feed AS (
    SELECT count(*) > 0 AS is_loaded FROM intermediate.int_ledger WHERE direction = 'cost'
),

credits AS (
    SELECT
        windows.period,
        credit.partner_id,
        credit.deal_id,
        credit.credit_base,
        credit.credit_margin_base,
        s.ropi_benefit
    FROM main.fct_deal_credit AS credit
    INNER JOIN intermediate.int_deal AS deal ON credit.deal_id = deal.deal_id
    INNER JOIN windows ON deal.closed_on >= windows.benefit_start AND deal.closed_on < windows.benefit_end
    CROSS JOIN run_settings AS s
    WHERE credit.model = s.attribution_headline
),

bases AS (
    SELECT
        period,
        bool_or(credit_margin_base IS NOT NULL AND ropi_benefit = 'gross_margin') AS is_margin,
        bool_or(ropi_benefit = 'gross_margin') AS is_margin_wanted
    FROM credits
    GROUP BY period
),

partner_benefits AS (
    SELECT
        credits.period,
        credits.partner_id,
        sum(CASE WHEN bases.is_margin THEN credits.credit_margin_base ELSE credits.credit_base END) AS benefit,
        count(*) FILTER (
            WHERE CASE WHEN bases.is_margin THEN credits.credit_margin_base ELSE credits.credit_base END IS NULL
        ) AS missing
    FROM credits
    INNER JOIN bases ON credits.period = bases.period
    GROUP BY credits.period, credits.partner_id
),

partner_costs AS (
    SELECT period, partner_id, sum(cost_base) AS cost, bool_or(is_incomplete) AS is_incomplete
    FROM main.fct_partner_cost
    GROUP BY period, partner_id
),

benefits AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        partner_benefits.period,
        CAST(sum(partner_benefits.benefit) AS DECIMAL(18, 4)) AS benefit,
        CAST(sum(partner_benefits.missing) AS BIGINT) AS missing
    FROM partner_benefits
    INNER JOIN intermediate.int_partner_scope AS scope ON partner_benefits.partner_id = scope.partner_id
    GROUP BY scope.scope_kind, scope.scope_id, partner_benefits.period
),

-- Two partners on a deal are one deal of every scope that holds both.
deals AS (
    SELECT scope.scope_kind, scope.scope_id, credits.period, count(DISTINCT credits.deal_id) AS n
    FROM credits
    INNER JOIN intermediate.int_partner_scope AS scope ON credits.partner_id = scope.partner_id
    GROUP BY scope.scope_kind, scope.scope_id, credits.period
),

costs AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        partner_costs.period,
        CAST(sum(partner_costs.cost) AS DECIMAL(18, 4)) AS cost,
        bool_or(partner_costs.is_incomplete) AS is_incomplete
    FROM partner_costs
    INNER JOIN intermediate.int_partner_scope AS scope ON partner_costs.partner_id = scope.partner_id
    GROUP BY scope.scope_kind, scope.scope_id, partner_costs.period
),

results AS (
    SELECT
        grid.scope_kind,
        grid.scope_id,
        windows.period,
        windows.benefit_start AS period_start,
        windows.benefit_end AS period_end,
        windows.is_partial,
        CAST(coalesce(benefits.benefit, 0) AS DECIMAL(18, 4)) AS benefit,
        CASE WHEN cost_feed.is_loaded THEN CAST(coalesce(costs.cost, 0) AS DECIMAL(18, 4)) END AS cost,
        coalesce(deals.n, 0) AS n,
        cost_feed.is_loaded,
        coalesce(bases.is_margin_wanted AND NOT bases.is_margin, FALSE) AS is_revenue_basis,
        coalesce(benefits.missing, 0) > 0 AS is_benefit_incomplete,
        coalesce(costs.is_incomplete, NOT windows.is_covered) AS is_cost_incomplete
    FROM intermediate.int_scope_period AS grid
    INNER JOIN windows ON grid.period = windows.period
    CROSS JOIN cost_feed
    LEFT JOIN bases ON windows.period = bases.period
    LEFT JOIN benefits
        ON grid.scope_kind = benefits.scope_kind AND grid.scope_id = benefits.scope_id AND grid.period = benefits.period
    LEFT JOIN deals
        ON grid.scope_kind = deals.scope_kind AND grid.scope_id = deals.scope_id AND grid.period = deals.period
    LEFT JOIN costs
        ON grid.scope_kind = costs.scope_kind AND grid.scope_id = costs.scope_id AND grid.period = costs.period
    WHERE grid.has_partners
),

metrics AS (
    SELECT
        'ropi' AS metric,
        'ratio' AS unit,
        'ratio' AS kind,
        CASE WHEN cost <> 0 THEN CAST(benefit - cost AS DOUBLE) / CAST(cost AS DOUBLE) END AS value,
        NULL AS amount,
        CASE WHEN is_loaded THEN CAST(benefit - cost AS DOUBLE) END AS numerator,
        CAST(cost AS DOUBLE) AS denominator,
        CASE
            WHEN NOT is_loaded THEN 'absent'
            WHEN cost = 0 THEN 'no_denominator'
            WHEN is_revenue_basis THEN 'revenue_basis'
            WHEN is_benefit_incomplete OR is_cost_incomplete THEN 'incomplete'
            ELSE 'ok'
        END AS status,
        results.*
    FROM results
    UNION ALL
    SELECT
        'ropi_benefit' AS metric,
        'money' AS unit,
        'sum' AS kind,
        CAST(benefit AS DOUBLE) AS value,
        benefit AS amount,
        CAST(benefit AS DOUBLE) AS numerator,
        NULL AS denominator,
        CASE
            WHEN is_revenue_basis THEN 'revenue_basis'
            WHEN is_benefit_incomplete THEN 'incomplete'
            ELSE 'ok'
        END AS status,
        results.*
    FROM results
    UNION ALL
    SELECT
        'ropi_cost' AS metric,
        'money' AS unit,
        'sum' AS kind,
        CAST(cost AS DOUBLE) AS value,
        cost AS amount,
        CAST(cost AS DOUBLE) AS numerator,
        NULL AS denominator,
        CASE
            WHEN NOT is_loaded THEN 'absent'
            WHEN is_cost_incomplete THEN 'incomplete'
            ELSE 'ok'
        END AS status,
        results.*
    FROM results
),

final AS (
    SELECT
        metric,
        'deal' AS grain,
        scope_kind,
        scope_id,
        period,
        period_start,
        period_end,
        is_partial,
        unit,
        kind,
        CAST(value AS DOUBLE) AS value,
        CAST(amount AS DECIMAL(18, 4)) AS amount,
        CAST(numerator AS DOUBLE) AS numerator,
        CAST(denominator AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        n,
        status
    FROM metrics
)

SELECT * FROM final
