-- backtest_adds_up: the alerts of each quarter are those that its row counts, no more are caught than were flagged or churned,
--   and the total is the sum of the quarters whose outcome is known.
-- severity: error
-- table: model_backtest
WITH alerts AS (
    SELECT
        quarter,
        count(*) AS flagged,
        count(*) FILTER (WHERE outcome = 'churned') AS caught,
        count(*) FILTER (WHERE outcome = 'exited') AS flagged_exited,
        count(*) FILTER (WHERE outcome = 'open') AS flagged_open
    FROM model_backtest_alert
    GROUP BY quarter
),

sums AS (
    SELECT
        sum(at_risk) AS at_risk,
        sum(flagged) AS flagged,
        sum(churned) AS churned,
        sum(caught) AS caught
    FROM model_backtest
    WHERE quarter <> 'total' AND is_matured
),

problems AS (
    SELECT quarter, 'alerts and quarter differ' AS problem
    FROM model_backtest
    FULL JOIN alerts USING (quarter)
    WHERE
        quarter <> 'total'
        AND (
            coalesce(model_backtest.flagged, -1) <> coalesce(alerts.flagged, 0)
            OR (model_backtest.is_matured AND model_backtest.caught <> coalesce(alerts.caught, 0))
            OR (model_backtest.is_matured AND model_backtest.flagged_exited <> coalesce(alerts.flagged_exited, 0))
            OR coalesce(alerts.flagged_open, 0) <> CASE WHEN model_backtest.is_matured THEN 0 ELSE model_backtest.flagged END
        )
    UNION ALL
    SELECT quarter, 'more caught than there are' AS problem
    FROM model_backtest
    WHERE
        caught > flagged - flagged_exited
        OR caught > churned
        OR churned > at_risk - exited
        OR losses > churned
        OR losses_caught > least(losses, caught)
        OR revenue_caught > revenue_churned
        OR shortest_lead_days < 0
        OR shortest_lead_days > median_lead_days
    UNION ALL
    SELECT quarter, 'the total is not the sum of the quarters' AS problem
    FROM model_backtest
    CROSS JOIN sums
    WHERE
        quarter = 'total'
        AND is_matured
        AND (
            model_backtest.at_risk <> sums.at_risk
            OR model_backtest.flagged <> sums.flagged
            OR model_backtest.churned <> sums.churned
            OR model_backtest.caught <> sums.caught
        )
)

SELECT quarter, problem FROM problems
