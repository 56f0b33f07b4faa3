-- ropi_cost: the entries behind what a partner cost in the four fiscal quarters that end with a period.
-- record_kind VARCHAR: ledger_entry, or shared_cost: the partner's part of what belongs to nobody
-- ref_id VARCHAR: native key of the record
-- happened_on DATE: day of the entry; last day of the window for shared cost
-- amount DECIMAL(18,4): amount in the reporting currency; null where it cannot be converted
-- counts_as VARCHAR: numerator, denominator or both
-- contribution DECIMAL(18,4): what the record adds; the contributions sum to the numerator and denominator of fct_metric
-- detail VARCHAR: kind of cost; how the shared cost was spread
-- source VARCHAR: configured name of the source instance
-- file VARCHAR: path of the export inside its source
-- row BIGINT: record number in the export
-- param: partner_id: partner
-- param: period: period as in dim_fiscal_period
WITH cost_windows AS (
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
    FROM costs
)

SELECT * FROM final ORDER BY happened_on, ref_id
