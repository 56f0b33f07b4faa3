-- fct_partner_cost: what each partner cost over four fiscal quarters: its own entries and its part of the shared cost.
-- grain: partner x period x basis
-- key: partner_id, period, basis
-- partner_id VARCHAR: partner
-- period VARCHAR: period with which the four quarters end
-- basis VARCHAR: direct or shared
-- cost_start DATE: first day of the costs
-- cost_end DATE: day after the last
-- cost_base DECIMAL(18,4): cost in the reporting currency
-- deals_worked BIGINT: deals that were open on some day of the window and on which the partner has a role
-- entries BIGINT: ledger entries behind the cost
-- is_incomplete BOOLEAN: an entry could not be converted, or costs do not go back to the window's first month
-- note: M35. Shared cost (no partner, or an unknown one) is spread by deals worked, in whole minor units by largest
--   remainder, ties by partner id; what it has below the minor unit goes to the first. Partners' costs sum to the
--   programme's to the last digit
-- note: where nobody worked a deal in the window the partners that were in the programme in it share alike; fund records are not added, what
--   was paid is in the ledger
WITH windows AS (
    SELECT * FROM intermediate.int_ropi_window
),

costs AS (
    SELECT
        windows.period,
        entry.partner_id,
        sum(entry.amount_base) AS amount_base,
        count(*) AS entries,
        count(*) FILTER (WHERE entry.is_fx_missing) AS missing
    FROM intermediate.int_ledger AS entry
    INNER JOIN windows ON entry.incurred_on >= windows.cost_start AND entry.incurred_on < windows.cost_end
    WHERE entry.direction = 'cost'
    GROUP BY windows.period, entry.partner_id
),

worked AS (
    SELECT windows.period, role.partner_id, count(DISTINCT role.deal_id) AS deals_worked
    FROM intermediate.int_deal_partner AS role
    INNER JOIN intermediate.int_deal AS deal ON role.deal_id = deal.deal_id
    INNER JOIN windows
        ON
            deal.created_on < windows.cost_end
            AND coalesce(deal.closed_on, DATE '9999-12-31') >= windows.cost_start
    WHERE NOT deal.is_excluded
    GROUP BY windows.period, role.partner_id
),

workers AS (
    SELECT
        windows.period,
        partner.partner_id,
        coalesce(worked.deals_worked, 0) AS deals_worked,
        CASE
            WHEN sum(worked.deals_worked) OVER (PARTITION BY windows.period) > 0 THEN coalesce(worked.deals_worked, 0)
            WHEN told.scope_id IS NOT NULL AND coalesce(partner.exited_on, DATE '9999-12-31') >= windows.cost_start THEN 1
            ELSE 0
        END AS weight
    FROM windows
    CROSS JOIN intermediate.int_partner AS partner
    LEFT JOIN worked ON windows.period = worked.period AND partner.partner_id = worked.partner_id
    LEFT JOIN intermediate.int_scope_period AS told
        ON told.scope_kind = 'partner' AND partner.partner_id = told.scope_id AND windows.period = told.period
),

-- The shared cost of a window in whole minor units, and the ten-thousandths that they cannot carry.
pools AS (
    SELECT
        costs.period,
        costs.entries,
        costs.missing,
        unit.unit,
        CAST(coalesce(costs.amount_base, 0) * 10000 AS HUGEINT) AS total,
        ((CAST(coalesce(costs.amount_base, 0) * 10000 AS HUGEINT) % unit.unit) + unit.unit) % unit.unit AS residue
    FROM costs
    CROSS JOIN run_settings AS s
    INNER JOIN intermediate.int_currency_unit AS unit ON s.currency_base = unit.currency
    WHERE costs.partner_id IS NULL
),

shares AS (
    SELECT
        workers.period,
        workers.partner_id,
        workers.weight,
        sum(workers.weight) OVER (PARTITION BY workers.period) AS weights,
        pools.unit,
        pools.residue,
        (pools.total - pools.residue) // pools.unit AS units,
        pools.entries,
        pools.missing
    FROM workers
    INNER JOIN pools ON workers.period = pools.period
    WHERE workers.weight > 0
),

floors AS (
    SELECT
        *,
        (((units * weight) % weights) + weights) % weights AS remainder,
        (units * weight - (((units * weight) % weights) + weights) % weights) // weights AS whole
    FROM shares
),

ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY period ORDER BY remainder DESC, partner_id) AS share_no,
        units - sum(whole) OVER (PARTITION BY period) AS left_over
    FROM floors
),

spread AS (
    SELECT
        period,
        partner_id,
        (whole + CASE WHEN share_no <= left_over THEN 1 ELSE 0 END) * unit
        + CASE WHEN share_no = 1 THEN residue ELSE 0 END AS cost,
        entries,
        missing
    FROM ranked
),

parts AS (
    SELECT
        period,
        partner_id,
        'direct' AS basis,
        CAST(coalesce(amount_base, 0) AS DECIMAL(18, 4)) AS cost_base,
        entries,
        missing
    FROM costs
    WHERE partner_id IS NOT NULL
    UNION ALL
    SELECT
        period,
        partner_id,
        'shared' AS basis,
        CAST(CAST(cost AS DECIMAL(22, 0)) * 0.0001 AS DECIMAL(18, 4)) AS cost_base,
        entries,
        missing
    FROM spread
),

final AS (
    SELECT
        parts.partner_id,
        parts.period,
        parts.basis,
        windows.cost_start,
        windows.cost_end,
        parts.cost_base,
        workers.deals_worked,
        parts.entries,
        parts.missing > 0 OR NOT windows.is_covered AS is_incomplete
    FROM parts
    INNER JOIN windows ON parts.period = windows.period
    INNER JOIN workers ON parts.period = workers.period AND parts.partner_id = workers.partner_id
)

SELECT * FROM final
