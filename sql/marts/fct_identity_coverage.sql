-- fct_identity_coverage: how much of each export is known to belong to a partner.
-- grain: canonical table x source
-- key: table_name, source
-- table_name VARCHAR: canonical table
-- source VARCHAR: configured name of the source instance
-- records BIGINT: records that are not deleted
-- referring_records BIGINT: records that name a partner
-- resolved_records BIGINT: records whose partner is known, by its name or by way of the person
-- unresolved_records BIGINT: records that name a partner whom nobody knows; they count for nobody
-- resolved_share DOUBLE: of the records that name a partner, how many name a known one; null where none does
-- note: check partner_reference_resolved lists the references that are not known; rows in partner_identity make them known
WITH references_made AS (
    SELECT 'agreement' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.agreement WHERE NOT _deleted
    UNION ALL
    SELECT 'partner_application' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.partner_application WHERE NOT _deleted
    UNION ALL
    SELECT 'onboarding_task' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.onboarding_task WHERE NOT _deleted
    UNION ALL
    SELECT 'opportunity' AS table_name, _source AS source, source_partner_ref AS ref, source_partner_id AS partner_id FROM canonical.opportunity WHERE NOT _deleted
    UNION ALL
    SELECT 'opportunity_partner' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.opportunity_partner WHERE NOT _deleted
    UNION ALL
    SELECT 'deal_registration' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.deal_registration WHERE NOT _deleted
    UNION ALL
    SELECT 'activity' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.activity WHERE NOT _deleted
    UNION ALL
    SELECT 'support_case' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.support_case WHERE NOT _deleted
    UNION ALL
    SELECT 'survey_response' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.survey_response WHERE NOT _deleted
    UNION ALL
    SELECT 'learning_record' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.learning_record WHERE NOT _deleted
    UNION ALL
    SELECT 'certification' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.certification WHERE NOT _deleted
    UNION ALL
    SELECT 'person' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.person WHERE NOT _deleted
    UNION ALL
    SELECT 'fund_flow' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.fund_flow WHERE NOT _deleted
    UNION ALL
    SELECT 'ledger_entry' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.ledger_entry WHERE NOT _deleted
    UNION ALL
    SELECT 'subscription_change' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.subscription_change WHERE NOT _deleted
    UNION ALL
    SELECT 'integration_usage' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.integration_usage WHERE NOT _deleted
    UNION ALL
    SELECT 'partner_history' AS table_name, _source AS source, partner_ref AS ref, partner_id AS partner_id FROM canonical.partner_history WHERE NOT _deleted
    UNION ALL
    SELECT 'target' AS table_name, _source AS source, scope_key AS ref, partner_id
    FROM canonical.target
    WHERE scope_kind = 'partner' AND NOT _deleted
),

final AS (
    SELECT
        table_name,
        source,
        count(*) AS records,
        count(ref) AS referring_records,
        count(partner_id) AS resolved_records,
        count(*) FILTER (WHERE ref IS NOT NULL AND partner_id IS NULL) AS unresolved_records,
        count(*) FILTER (WHERE ref IS NOT NULL AND partner_id IS NOT NULL) / nullif(count(ref), 0) AS resolved_share
    FROM references_made
    GROUP BY table_name, source
)

SELECT * FROM final
