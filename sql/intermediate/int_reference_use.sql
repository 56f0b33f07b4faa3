-- int_reference_use: how many records of each export, and how much money, hang on each reference to a partner.
-- grain: canonical table x source x reference x whether its partner is known
-- key: table_name, source, ref, is_resolved
-- table_name VARCHAR: canonical table; engagement_event for the events of the rollup
-- source VARCHAR: configured name of the source instance
-- ref VARCHAR: reference as exported; of a record that names only a person, the person's own reference, else its mail
--   domain, else the person; empty where the record names neither, or one of our own people
-- is_resolved BOOLEAN: the partner is known, by the reference or by way of the person
-- records BIGINT: records
-- amount_base DECIMAL(38,4): their money in the reporting currency at the rate of the as-of date; null where the table
--   has none, or no rate converts it
-- first_on DATE: local day of the first of them
-- last_on DATE: local day of the last of them
-- note: what is money in a table: the amount of the deal, registration, entry or target, the furthest amount of a fund,
--   the monthly revenue of a subscription
WITH uses AS (
    SELECT
        'agreement' AS table_name,
        _source AS source,
        partner_ref AS ref,
        NULL AS person_id,
        partner_id AS partner_id,
        1 AS records,
        NULL AS amount,
        NULL AS currency,
        CAST(signed_on AS TIMESTAMP) AS happened_at
    FROM canonical.agreement
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'partner_application' AS table_name,
        _source AS source,
        partner_ref AS ref,
        NULL AS person_id,
        partner_id AS partner_id,
        1 AS records,
        NULL AS amount,
        NULL AS currency,
        submitted_at AS happened_at
    FROM canonical.partner_application
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'onboarding_task' AS table_name,
        _source AS source,
        partner_ref AS ref,
        NULL AS person_id,
        partner_id AS partner_id,
        1 AS records,
        NULL AS amount,
        NULL AS currency,
        assigned_at AS happened_at
    FROM canonical.onboarding_task
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'opportunity' AS table_name,
        _source AS source,
        source_partner_ref AS ref,
        NULL AS person_id,
        source_partner_id AS partner_id,
        1 AS records,
        amount AS amount,
        currency AS currency,
        created_at AS happened_at
    FROM canonical.opportunity
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'deal_registration' AS table_name,
        _source AS source,
        partner_ref AS ref,
        person_id AS person_id,
        partner_id AS partner_id,
        1 AS records,
        amount AS amount,
        currency AS currency,
        submitted_at AS happened_at
    FROM canonical.deal_registration
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'activity' AS table_name,
        _source AS source,
        partner_ref AS ref,
        NULL AS person_id,
        partner_id AS partner_id,
        1 AS records,
        NULL AS amount,
        NULL AS currency,
        coalesce(started_at, scheduled_at) AS happened_at
    FROM canonical.activity
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'support_case' AS table_name,
        _source AS source,
        partner_ref AS ref,
        person_id AS person_id,
        partner_id AS partner_id,
        1 AS records,
        NULL AS amount,
        NULL AS currency,
        opened_at AS happened_at
    FROM canonical.support_case
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'survey_response' AS table_name,
        _source AS source,
        partner_ref AS ref,
        person_id AS person_id,
        partner_id AS partner_id,
        1 AS records,
        NULL AS amount,
        NULL AS currency,
        responded_at AS happened_at
    FROM canonical.survey_response
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'learning_record' AS table_name,
        _source AS source,
        partner_ref AS ref,
        person_id AS person_id,
        partner_id AS partner_id,
        1 AS records,
        NULL AS amount,
        NULL AS currency,
        coalesce(completed_at, started_at, enrolled_at) AS happened_at
    FROM canonical.learning_record
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'certification' AS table_name,
        _source AS source,
        partner_ref AS ref,
        person_id AS person_id,
        partner_id AS partner_id,
        1 AS records,
        NULL AS amount,
        NULL AS currency,
        issued_at AS happened_at
    FROM canonical.certification
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'person' AS table_name,
        _source AS source,
        partner_ref AS ref,
        person_id AS person_id,
        partner_id AS partner_id,
        1 AS records,
        NULL AS amount,
        NULL AS currency,
        created_at AS happened_at
    FROM canonical.person
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'fund_flow' AS table_name,
        _source AS source,
        partner_ref AS ref,
        NULL AS person_id,
        partner_id AS partner_id,
        1 AS records,
        coalesce(amount_paid, amount_approved, amount_requested) AS amount,
        currency AS currency,
        created_at AS happened_at
    FROM canonical.fund_flow
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'ledger_entry' AS table_name,
        _source AS source,
        partner_ref AS ref,
        NULL AS person_id,
        partner_id AS partner_id,
        1 AS records,
        abs(amount) AS amount,
        currency AS currency,
        CAST(incurred_on AS TIMESTAMP) AS happened_at
    FROM canonical.ledger_entry
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'subscription_change' AS table_name,
        _source AS source,
        partner_ref AS ref,
        NULL AS person_id,
        partner_id AS partner_id,
        1 AS records,
        mrr AS amount,
        currency AS currency,
        effective_at AS happened_at
    FROM canonical.subscription_change
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'integration_usage' AS table_name,
        _source AS source,
        partner_ref AS ref,
        NULL AS person_id,
        partner_id AS partner_id,
        1 AS records,
        NULL AS amount,
        NULL AS currency,
        CAST(day AS TIMESTAMP) AS happened_at
    FROM canonical.integration_usage
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'partner_history' AS table_name,
        _source AS source,
        partner_ref AS ref,
        NULL AS person_id,
        partner_id AS partner_id,
        1 AS records,
        NULL AS amount,
        NULL AS currency,
        valid_from AS happened_at
    FROM canonical.partner_history
    WHERE NOT _deleted
    UNION ALL
    SELECT
        'target' AS table_name,
        _source AS source,
        scope_key AS ref,
        NULL AS person_id,
        partner_id AS partner_id,
        1 AS records,
        value AS amount,
        currency AS currency,
        CAST(period_start AS TIMESTAMP) AS happened_at
    FROM canonical.target
    WHERE scope_kind = 'partner' AND NOT _deleted
    UNION ALL
    SELECT
        'opportunity_partner' AS table_name,
        role._source AS source,
        role.partner_ref AS ref,
        NULL AS person_id,
        role.partner_id,
        1 AS records,
        deal.amount,
        deal.currency,
        coalesce(role.first_touch_at, deal.created_at) AS happened_at
    FROM canonical.opportunity_partner AS role
    LEFT JOIN canonical.opportunity AS deal ON role.opportunity_id = deal.opportunity_id
    WHERE NOT role._deleted
    UNION ALL
    SELECT
        'engagement_event' AS table_name,
        event.source,
        nullif(event.partner_ref, '') AS ref,
        nullif(event.person_id, '') AS person_id,
        coalesce(person.partner_id, identity.partner_id) AS partner_id,
        event.events AS records,
        NULL AS amount,
        NULL AS currency,
        CAST(event.day AS TIMESTAMP) AS happened_at
    FROM rollup.partner_day AS event
    LEFT JOIN canonical.person AS person ON event.person_id = person.person_id
    LEFT JOIN intermediate.int_partner_identity AS identity ON event.partner_ref = identity.ref
),

people AS (
    SELECT
        person.person_id,
        coalesce(
            person.partner_ref,
            CASE WHEN shared.domain IS NULL THEN person._source || ':email_domain:' || lower(person.email_domain) END,
            person._source || ':person:' || person.person_id
        ) AS ref,
        person.partner_ref IS NULL AND coalesce(shared.kind = 'vendor', FALSE) AS is_ours
    FROM canonical.person AS person
    LEFT JOIN canonical.shared_domain AS shared ON lower(person.email_domain) = shared.domain
),

rates AS (
    SELECT fx.currency, fx.rate
    FROM intermediate.int_fx AS fx
    CROSS JOIN run_settings AS s
    WHERE fx.valid_from <= s.as_of AND coalesce(fx.valid_to > s.as_of, TRUE)
    QUALIFY row_number() OVER (PARTITION BY fx.currency ORDER BY fx.valid_from DESC) = 1
),

named AS (
    SELECT
        uses.table_name,
        uses.source,
        CASE
            WHEN uses.ref IS NOT NULL THEN uses.ref
            WHEN people.person_id IS NOT NULL THEN CASE WHEN people.is_ours THEN '' ELSE people.ref END
            WHEN uses.person_id IS NOT NULL THEN uses.source || ':person:' || uses.person_id
            ELSE ''
        END AS ref,
        uses.partner_id IS NOT NULL AS is_resolved,
        uses.records,
        CASE
            WHEN rates.rate = 1 THEN uses.amount
            ELSE CAST(round(CAST(uses.amount AS DOUBLE) / rates.rate, 4) AS DECIMAL(18, 4))
        END AS amount_base,
        -- Signatures, entries, targets and days of use are days as told, and no moments that fall on a local one.
        CASE WHEN uses.table_name IN ('agreement', 'ledger_entry', 'integration_usage', 'target', 'engagement_event')
            THEN CAST(uses.happened_at AS DATE)
            ELSE CAST(((uses.happened_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE)
        END AS happened_on
    FROM uses
    CROSS JOIN run_settings AS s
    LEFT JOIN people ON uses.person_id = people.person_id
    LEFT JOIN rates ON uses.currency = rates.currency
),

final AS (
    SELECT
        table_name,
        source,
        ref,
        is_resolved,
        CAST(sum(records) AS BIGINT) AS records,
        CAST(sum(amount_base) AS DECIMAL(38, 4)) AS amount_base,
        min(happened_on) AS first_on,
        max(happened_on) AS last_on
    FROM named
    GROUP BY table_name, source, ref, is_resolved
)

SELECT * FROM final
