-- rpt_churn_model: how far tonight's churn score can be trusted, in the facts that the overview shows.
-- grain: the night
-- key: model_id
-- model_id VARCHAR: model card behind it
-- method VARCHAR: what ranks the partners tonight
-- verdict VARCHAR: the verdict on the regression, as a sentence
-- reason VARCHAR: why, as a sentence; null where the verdict says it
-- events BIGINT: distinct churns in the training window
-- auc DOUBLE: of the regression, on the held-out quarters
-- auc_low DOUBLE: lower end of its 95% interval
-- auc_high DOUBLE: upper end of its 95% interval
-- auc_recency DOUBLE: of recency alone
-- brier DOUBLE: mean squared error of the probability
-- calibration_slope DOUBLE: 1 is calibrated
-- held_out_from DATE: first snapshot that the regression never saw
-- held_out_to DATE: last of them
-- note: where the regression is not published, its track record is shown all the same, so that a reader sees why
WITH cards AS (
    SELECT
        *,
        -- The regression, published or not, says more than the rule that stands in for it.
        row_number() OVER (ORDER BY method = 'scorecard', is_reported DESC, model_id) AS position
    FROM model_card
    WHERE role <> 'baseline'
),

final AS (
    SELECT
        cards.model_id,
        reported.method,
        CASE cards.verdict
            WHEN 'better than recency alone' THEN 'The churn score ranks partners better than the days since their last deal alone do.'
            WHEN 'no better than baseline' THEN CASE
                WHEN cards.role = 'published' THEN 'The churn score ranks partners no better than the days since their last deal alone do; read it as that.'
                ELSE 'The churn model is worse than the days since the last deal alone, or no better than chance, so no probability is published; health ranks the partners.'
            END
            WHEN 'insufficient_events' THEN 'Too few partners have left for a churn model, so no probability is published; health ranks the partners.'
            ELSE 'No churn model could be fitted, so no probability is published; health ranks the partners.'
        END AS verdict,
        CASE
            WHEN cards.verdict <> 'better than recency alone' AND cards.reason IS NOT NULL
                THEN upper(substr(cards.reason, 1, 1)) || substr(cards.reason, 2) || '.'
        END AS reason,
        cards.churns_train AS events,
        cards.auc,
        cards.auc_low,
        cards.auc_high,
        cards.auc_recency,
        cards.brier,
        cards.calibration_slope,
        cards.held_out_from,
        cards.held_out_to
    FROM cards
    LEFT JOIN model_card AS reported ON reported.is_reported
    WHERE cards.position = 1
)

SELECT * FROM final
