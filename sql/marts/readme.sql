-- readme: what to look at first in this database.
-- grain: line
-- key: line_no
-- line_no BIGINT: order
-- topic VARCHAR: what the line is about
-- text VARCHAR: what to know
-- query VARCHAR: SQL to paste; null where there is nothing to run
WITH entries AS (
    SELECT *
    FROM (
        VALUES
        (
            1, 'this database', NULL,
            'SELECT item, value FROM run_info ORDER BY section, item'
        ),
        (
            2, 'every number', 'fct_metric has one row a number; metric_catalog says in words what each metric means.',
            'SELECT metric, definition FROM metric_catalog WHERE stage = ''co-selling'''
        ),
        (
            3, 'a metric by partner', 'Look at status and the interval before you rank.',
            'SELECT partner_name, value, low, high, n, fct_metric.status FROM fct_metric JOIN dim_partner USING (partner_id) WHERE metric = ''win_rate'' AND period = ''trailing_365'' ORDER BY value DESC'
        ),
        (
            4, 'a quarter side by side', 'fct_partner_quarter has the main numbers as columns.',
            'SELECT * FROM fct_partner_quarter WHERE period = (SELECT max(period) FROM fct_partner_quarter) ORDER BY bookings DESC'
        ),
        (
            5, 'who needs a call', 'One row per partner and cause, most urgent first.',
            'SELECT priority_rank, partner_name, cause, reason_1, suggestion FROM rpt_churn_alert ORDER BY priority_rank'
        ),
        (
            6, 'a business review', 'Each number beside its previous quarter, the year before, target and segment median.',
            'SELECT metric, value, previous_value, year_ago_value, target_value, segment_median, rank_band FROM rpt_qbr_partner_quarter WHERE partner_id = (SELECT partner_id FROM dim_partner ORDER BY trailing_revenue_base DESC, partner_id LIMIT 1) AND period = (SELECT max(period) FROM rpt_qbr_partner_quarter)'
        ),
        (
            7, 'deals and credit', 'fct_deal has the deals, fct_deal_partner the roles, fct_deal_credit who earned what of each won deal; credits sum to the deal.',
            'SELECT model, sum(credit_base) FROM fct_deal_credit GROUP BY model'
        ),
        (
            8, 'back to the export', 'source_name, source_file and source_row of every dim_ and fct_ row, and _file and _row in schema canonical, name the record.',
            'SELECT deal_id, amount, currency, source_file, source_row FROM fct_deal ORDER BY closed_on DESC LIMIT 20'
        ),
        (
            9, 'can it be trusted', 'data_quality has every check with its count; a failed error check would have stopped this database.',
            'SELECT check_name, table_name, severity, failed_rows, meaning FROM data_quality WHERE failed_rows > 0'
        ),
        (
            10, 'every column', 'data_dictionary has every table and column with its meaning; the same text is in the comments of the database.',
            'SELECT column_name, column_type, meaning FROM data_dictionary WHERE table_name = ''fct_metric'''
        ),
        (
            11, 'what belongs to nobody', 'How much of each export is known to belong to a partner. unresolved_reference lists what is not, with partners that it may mean; `partnerhealth unresolved --write` makes the sheet to complete.',
            'SELECT table_name, source, resolved_share, resolved_amount_share, unresolved_records FROM fct_identity_coverage ORDER BY resolved_share'
        ),
        (
            12, 'how far the churn score goes', 'model_card has each model beside its baselines on quarters that none of them saw; model_group has the published one in each group of partners, model_coefficient its columns and their drift.',
            'SELECT role, method, verdict, auc, auc_low, auc_high, brier, calibration_slope, observed_expected FROM model_card ORDER BY is_reported DESC, role'
        ),
        (
            13, 'what to expect', 'When new partners may sell, what the next quarter may bring, which applicants are like those who got going. expectation_card says how each did against a naive rule.',
            'SELECT purpose, method, verdict, reason, note FROM expectation_card'
        )
    ) AS lines (line_no, topic, text, query)
),

final AS (
    SELECT
        CAST(entries.line_no AS BIGINT) AS line_no,
        entries.topic,
        coalesce(
            entries.text,
            s.program_name || ' as of ' || strftime(s.as_of, '%Y-%m-%d') || ', money in ' || s.currency_base || ', days in ' || s.timezone
            || '. Run ' || s.run_id || '.'
        ) AS text,
        entries.query
    FROM entries
    CROSS JOIN run_settings AS s
)

SELECT * FROM final
