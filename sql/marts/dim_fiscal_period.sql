-- dim_fiscal_period: the periods for which metrics are told, from the first deal to the as-of date.
-- grain: period
-- key: period
-- period VARCHAR: 2026Q3 (fiscal), 2026-10, trailing_90, trailing_365, trailing_4q, or 2026Q2-d31 for the first 31
--   days of a quarter
-- period_kind VARCHAR: quarter, month, trailing, or to_date
-- period_start DATE: first day
-- period_end DATE: day after the last day
-- is_partial BOOLEAN: not finished at the as-of date
-- previous_period VARCHAR: the period before, of as many days where this one is partial; null where there is none
-- year_ago_period VARCHAR: the same period a year before, of as many days where this one is partial; null where there
--   is none
-- note: G2. to_date rows are the earlier periods cut to the length that the running quarter and month have reached;
--   they exist only for that comparison
-- note: history older than ten years is left to fct_deal
WITH final AS (
    SELECT
        period,
        period_kind,
        period_start,
        period_end,
        is_partial,
        previous_period,
        year_ago_period
    FROM intermediate.int_fiscal_period
)

SELECT * FROM final
