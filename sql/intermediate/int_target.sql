-- int_target: what was agreed for each scope and period, in the reporting currency.
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
WITH targets AS (
    SELECT
        CASE WHEN target.scope_kind = 'program' THEN s.program_name
            WHEN target.scope_kind = 'partner' THEN partner.partner_id
            ELSE target.scope_key
        END AS scope_id,
        target.scope_kind,
        target.measure,
        target.period_start,
        target.period_end + 1 AS period_end,
        target.value,
        target.currency,
        CASE WHEN target.scope_kind = 'partner' THEN partner.signed_on END AS signed_on
    FROM canonical.target AS target
    CROSS JOIN run_settings AS s
    LEFT JOIN intermediate.int_partner AS partner ON target.partner_id = partner.partner_id
    WHERE NOT target._deleted
),

rated AS (
    SELECT targets.*, CASE WHEN coalesce(fx.valid_to > targets.period_start, TRUE) THEN fx.rate END AS rate
    FROM targets
    ASOF LEFT JOIN intermediate.int_fx AS fx ON targets.currency = fx.currency AND targets.period_start >= fx.valid_from
    WHERE targets.scope_id IS NOT NULL
),

converted AS (
    SELECT
        targets.*,
        CASE
            WHEN targets.rate = 1 THEN targets.value
            ELSE CAST(round(CAST(targets.value AS DOUBLE) / targets.rate, 4) AS DECIMAL(18, 4))
        END AS value_base
    FROM rated AS targets
),

prorated AS (
    SELECT
        scope_kind,
        scope_id,
        measure,
        period_start,
        period_end,
        value_base IS NULL AS is_fx_missing,
        coalesce(signed_on > period_start AND signed_on < period_end, FALSE) AS is_prorated,
        CASE
            WHEN signed_on > period_start AND signed_on < period_end THEN CAST(
                round(CAST(value_base AS DOUBLE) * (period_end - signed_on) / (period_end - period_start), 4) AS DECIMAL(18, 4)
            )
            ELSE value_base
        END AS value_base
    FROM converted
),

placed AS (
    SELECT
        prorated.scope_kind,
        prorated.scope_id,
        prorated.measure,
        period.period,
        prorated.value_base,
        prorated.is_prorated,
        prorated.is_fx_missing
    FROM prorated
    INNER JOIN intermediate.int_fiscal_period AS period
        ON prorated.period_start >= period.period_start AND prorated.period_end <= period.period_end
    WHERE period.period_kind IN ('quarter', 'month')
    QUALIFY
        (prorated.period_start = period.period_start AND prorated.period_end = period.period_end)
        OR NOT bool_or(prorated.period_start = period.period_start AND prorated.period_end = period.period_end) OVER (
            PARTITION BY prorated.scope_kind, prorated.scope_id, prorated.measure, period.period
        )
),

scoped AS (
    SELECT * FROM placed
    UNION ALL
    SELECT
        'partner_family' AS scope_kind,
        scope.scope_id,
        placed.measure,
        placed.period,
        placed.value_base,
        placed.is_prorated,
        placed.is_fx_missing
    FROM placed
    INNER JOIN intermediate.int_partner_scope AS scope
        ON placed.scope_id = scope.partner_id AND scope.scope_kind = 'partner_family'
    WHERE placed.scope_kind = 'partner'
),

final AS (
    SELECT
        scope_kind,
        scope_id,
        measure,
        period,
        CAST(sum(value_base) AS DECIMAL(18, 4)) AS target_base,
        bool_or(is_prorated) AS is_prorated,
        bool_or(is_fx_missing) AS is_fx_missing
    FROM scoped
    GROUP BY scope_kind, scope_id, measure, period
)

SELECT * FROM final
