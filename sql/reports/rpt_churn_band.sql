-- rpt_churn_band: the risk bands of the score that ranks the partners tonight, with what became of partners flagged like this.
-- grain: band
-- key: position
-- position BIGINT: 1 for the highest
-- band VARCHAR: high, medium or low
-- partners BIGINT: partners at risk tonight in the band
-- held_out BIGINT: partner-months of the held-out quarters that the same shares put into the band
-- churned BIGINT: of these, with churn within the horizon
-- observed_share DOUBLE: churned / held_out
-- observed_low DOUBLE: lower end of its Wilson 95% interval, by partner families: the months of a partner tell of
--   each other
-- observed_high DOUBLE: upper end of it
WITH reported AS (
    SELECT model_id FROM model_card WHERE is_reported
),

final AS (
    SELECT
        model_band.position,
        model_band.band,
        model_band.partners,
        model_band.held_out,
        model_band.churned,
        model_band.observed_rate AS observed_share,
        model_band.observed_low,
        model_band.observed_high
    FROM model_band
    JOIN reported ON model_band.model_id = reported.model_id
)

SELECT * FROM final
