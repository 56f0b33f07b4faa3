-- ropi: the credits and costs behind a partner's return on investment: benefit less cost, over cost.
-- record_kind VARCHAR: credit, ledger_entry, or shared_cost: the partner's part of what belongs to nobody
-- ref_id VARCHAR: native key of the record
-- happened_on DATE: local day of closing; day of the entry; last day of the window for shared cost
-- amount DECIMAL(18,4): amount in the reporting currency; null where it cannot be converted
-- counts_as VARCHAR: numerator, denominator or both
-- contribution DECIMAL(18,4): what the record adds; the contributions sum to the numerator and denominator of fct_metric
-- detail VARCHAR: what is credited or paid
-- source VARCHAR: configured name of the source instance
-- file VARCHAR: path of the export inside its source
-- row BIGINT: record number in the export
-- param: partner_id: partner
-- param: period: period as in dim_fiscal_period
-- note: a cost is listed twice: it lowers the numerator and makes up the denominator
WITH told AS (
    SELECT period_start, period_end, status
    FROM fct_metric
    WHERE metric = 'ropi_benefit' AND partner_id = CAST($1 AS VARCHAR) AND period = CAST($2 AS VARCHAR)
),

benefits AS (
    SELECT
        'credit' AS record_kind,
        deal.deal_id AS ref_id,
        deal.closed_on AS happened_on,
        CASE
            WHEN told.status = 'revenue_basis' OR s.ropi_benefit = 'revenue' THEN credit.credit_base
            ELSE credit.credit_margin_base
        END AS amount,
        'numerator' AS counts_as,
        'credit of ' || CASE
            WHEN told.status = 'revenue_basis' OR s.ropi_benefit = 'revenue' THEN 'revenue '
            ELSE 'gross margin '
        END || credit.model AS detail,
        deal.source_name AS source,
        deal.source_file AS file,
        deal.source_row AS row
    FROM fct_deal_credit AS credit
    INNER JOIN fct_deal AS deal ON credit.deal_id = deal.deal_id
    INNER JOIN told ON deal.closed_on >= told.period_start AND deal.closed_on < told.period_end
    CROSS JOIN run_settings AS s
    WHERE credit.partner_id = CAST($1 AS VARCHAR) AND credit.model = s.attribution_headline
),

cost_windows AS (
    SELECT DISTINCT cost_start, cost_end
    FROM fct_partner_cost
    WHERE period = CAST($2 AS VARCHAR)
),

costs AS (
    SELECT
        'ledger_entry' AS record_kind,
        entry.entry_id AS ref_id,
        entry.incurred_on AS happened_on,
        entry.amount_base AS amount,
        entry.kind || coalesce(' for ' || entry.deal_id, '') AS detail,
        entry.source_name AS source,
        entry.source_file AS file,
        entry.source_row AS row
    FROM fct_ledger_entry AS entry
    INNER JOIN cost_windows ON entry.incurred_on >= cost_windows.cost_start AND entry.incurred_on < cost_windows.cost_end
    WHERE entry.partner_id = CAST($1 AS VARCHAR) AND entry.direction = 'cost'
    UNION ALL
    SELECT
        'shared_cost' AS record_kind,
        period AS ref_id,
        cost_end - 1 AS happened_on,
        cost_base AS amount,
        'part of ' || entries || ' shared entries, for ' || deals_worked || ' deals worked' AS detail,
        NULL AS source,
        NULL AS file,
        NULL AS row
    FROM fct_partner_cost
    WHERE partner_id = CAST($1 AS VARCHAR) AND period = CAST($2 AS VARCHAR) AND basis = 'shared'
),

final AS (
    SELECT
        record_kind,
        ref_id,
        happened_on,
        amount,
        'numerator' AS counts_as,
        CAST(coalesce(amount, 0) AS DECIMAL(18, 4)) AS contribution,
        detail,
        source,
        file,
        row
    FROM benefits
    UNION ALL
    SELECT
        record_kind,
        ref_id,
        happened_on,
        amount,
        'numerator' AS counts_as,
        CAST(-coalesce(amount, 0) AS DECIMAL(18, 4)) AS contribution,
        detail,
        source,
        file,
        row
    FROM costs
    UNION ALL
    SELECT
        record_kind,
        ref_id,
        happened_on,
        amount,
        'denominator' AS counts_as,
        CAST(coalesce(amount, 0) AS DECIMAL(18, 4)) AS contribution,
        detail,
        source,
        file,
        row
    FROM costs
)

SELECT * FROM final ORDER BY counts_as DESC, happened_on, ref_id, record_kind
