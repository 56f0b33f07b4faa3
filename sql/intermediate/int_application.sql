-- int_application: who applied to the programme, what was known of them then, and what became of those who signed (M42).
-- grain: application
-- key: application_id
-- application_id VARCHAR: application
-- partner_id VARCHAR: partner that it became; null where it became none
-- applicant_name VARCHAR: applicant
-- country VARCHAR: country of the applicant
-- submitted_on DATE: day of the complete submission
-- decided_on DATE: day of the decision; null while it is open at the as-of date
-- status VARCHAR: submitted, in_review, approved, rejected or withdrawn, as it was at the as-of date
-- traits VARCHAR: what the application stated about the applicant when it was first received, JSON
-- is_candidate BOOLEAN: undecided, or approved and submitted within the last 90 days
-- signed_on DATE: day of the signature that the application led to; null where it led to none
-- label INTEGER: 1 first commercial event within activation.window_days of the signature or first revenue within 365
--   days, 0 neither; null while that is open, for a partner who exited before for a reason not its own, and for a
--   partner with existing business
-- label_known_on DATE: the day from which the label may be learned from: 365 days after the signature, and where the
--   business behind a 1 was entered later, the day on which it was known
-- note: of several applications of a partner only the last one before the signature led to it
-- note: the label waits 365 days for both outcomes, or the fast ones would be learned from first
WITH settings AS (
    SELECT as_of, as_of_end, timezone, activation_window_days FROM run_settings
),

applications AS (
    SELECT
        application.application_id,
        partner.partner_id,
        partner.signed_on,
        partner.exited_on,
        partner.exit_kind,
        application.name AS applicant_name,
        application.country,
        application.applied_traits AS traits,
        CAST(((application.submitted_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS submitted_on,
        CASE WHEN application.decided_at < settings.as_of_end THEN
            CAST(((application.decided_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE)
        END AS decided_on,
        CASE
            WHEN application.decided_at >= settings.as_of_end THEN 'in_review'
            ELSE application.status
        END AS status,
        settings.as_of,
        settings.activation_window_days
    FROM canonical.partner_application AS application
    CROSS JOIN settings
    LEFT JOIN intermediate.int_partner AS partner ON application.partner_id = partner.partner_id
    WHERE NOT application._deleted AND application.submitted_at < settings.as_of_end
),

chosen AS (
    SELECT
        *,
        signed_on IS NOT NULL
        AND submitted_on <= signed_on
        AND row_number() OVER (
            PARTITION BY partner_id, coalesce(submitted_on <= signed_on, FALSE)
            ORDER BY submitted_on DESC, application_id DESC
        ) = 1 AS is_signed
    FROM applications
),

outcomes AS (
    SELECT
        chosen.application_id,
        min(event.event_on) AS first_event_on,
        min(event.event_on) FILTER (WHERE event.kind = 'won_deal') AS first_won_on,
        min(event.known_on) FILTER (
            WHERE
            event.event_on <= chosen.signed_on + CAST(chosen.activation_window_days AS INTEGER)
            OR (event.kind = 'won_deal' AND event.event_on <= chosen.signed_on + 365)
        ) AS activation_known_on
    FROM chosen
    INNER JOIN intermediate.int_commercial_event AS event ON chosen.partner_id = event.partner_id
    WHERE chosen.is_signed AND coalesce(event.event_on <= chosen.exited_on, TRUE)
    GROUP BY chosen.application_id
),

judged AS (
    SELECT
        chosen.*,
        outcomes.activation_known_on,
        coalesce(outcomes.first_event_on <= chosen.signed_on + CAST(chosen.activation_window_days AS INTEGER), FALSE)
        OR coalesce(outcomes.first_won_on <= chosen.signed_on + 365, FALSE) AS is_activated,
        coalesce(outcomes.first_won_on < chosen.signed_on - 30, FALSE) AS is_existing
    FROM chosen
    LEFT JOIN outcomes ON chosen.application_id = outcomes.application_id
),

final AS (
    SELECT
        application_id,
        partner_id,
        applicant_name,
        country,
        submitted_on,
        decided_on,
        status,
        traits,
        CASE status
            WHEN 'approved' THEN submitted_on > as_of - 90
            WHEN 'rejected' THEN FALSE
            WHEN 'withdrawn' THEN FALSE
            ELSE decided_on IS NULL AND NOT is_signed
        END AND exited_on IS NULL AS is_candidate,
        CASE WHEN is_signed THEN signed_on END AS signed_on,
        CAST(CASE
            WHEN NOT is_signed OR is_existing OR signed_on + 365 > as_of THEN NULL
            WHEN is_activated THEN 1
            WHEN exit_kind = 'exit' AND exited_on <= signed_on + 365 THEN NULL
            ELSE 0
        END AS INTEGER) AS label,
        -- What came in with tonight's exports is known tonight.
        CASE WHEN is_signed THEN greatest(signed_on + 365, least(coalesce(activation_known_on, signed_on), as_of)) END AS label_known_on
    FROM judged
)

SELECT * FROM final
