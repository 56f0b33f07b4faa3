-- fct_target: what was agreed for each scope and period, in the reporting currency.
-- grain: scope x measure x period
-- key: scope_kind, scope_id, measure, period
-- scope_kind VARCHAR: program, segment, owner, partner or partner_family
-- scope_id VARCHAR: the scope
-- measure VARCHAR: metric that is targeted
-- period VARCHAR: quarter or month
-- target_base DECIMAL(18,4): agreed value in the reporting currency, at the rate of the target's first day
-- is_prorated BOOLEAN: cut to the days after the partner's signature in the middle of the period
-- is_fx_missing BOOLEAN: a target has no currency, or no rate converts it; it is left out of the value
-- note: M25. A target with the period's own days counts; without one, the sum of the targets that lie within it
--   (monthly targets make a quarter); a family has the sum of its members
WITH final AS (
    SELECT
        scope_kind,
        scope_id,
        measure,
        period,
        target_base,
        is_prorated,
        is_fx_missing
    FROM intermediate.int_target
)

SELECT * FROM final
