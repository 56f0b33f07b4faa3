-- int_currency_unit: the smallest unit in which an amount of a currency is split.
-- grain: currency that a deal or the programme uses
-- key: currency
-- currency VARCHAR: ISO 4217 code
-- unit BIGINT: ten-thousandths in the smallest unit: 100 for cents, 10000 where the currency has none, 10 for thousandths
-- note: ISO 4217 minor units; a currency that is not listed has cents
WITH used AS (
    SELECT currency FROM intermediate.int_deal WHERE currency IS NOT NULL
    UNION
    SELECT currency_base AS currency FROM run_settings
),

final AS (
    SELECT
        currency,
        CAST(CASE
            WHEN currency IN (
                'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'
            ) THEN 10000
            WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 10
            ELSE 100
        END AS BIGINT) AS unit
    FROM used
)

SELECT * FROM final
