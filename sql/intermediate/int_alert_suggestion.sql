-- int_alert_suggestion: the next step that fits a cause and the partner's lifecycle stage.
-- grain: cause x stage in which the cause is raised
-- key: cause, stage
-- cause VARCHAR: cause
-- stage VARCHAR: lifecycle stage
-- suggestion VARCHAR: what the partner manager can do next
-- note: never a renewal incentive before a first deal, never product basics to certified people
-- note: health_low and churn_risk take the suggestion of what weighs most in them, and these where nothing stands out
WITH final AS (
    SELECT *
    FROM (
        VALUES
        ('stalled', 'recruit', 'Decide on the application, or say what is missing.'),
        ('stalled', 'onboard', 'Name the open task and its owner; offer a guided session.'),
        ('stalled', 'enable', 'Name the missing certificate; offer the exam date.'),
        ('stalled', 'sell', 'Review the open deals one by one.'),
        ('stalled', 'grow', 'Review the account plan.'),
        ('engagement_drop', 'onboard', 'Call the sponsor: who is the contact now?'),
        ('engagement_drop', 'enable', 'Offer the two assets that peers used most.'),
        ('engagement_drop', 'sell', 'Ask for a pipeline call.'),
        ('engagement_drop', 'grow', 'Ask for an executive check-in.'),
        ('commercial_silence', 'enable', 'Offer a joint first-deal play.'),
        ('commercial_silence', 'sell', 'Map accounts together.'),
        ('commercial_silence', 'grow', 'Bring the renewal and expansion list, and a co-sell resource.'),
        ('revenue_down', 'sell', 'Review the lost deals together.'),
        ('revenue_down', 'grow', 'Review the business plan and where the growth rebate stands.'),
        ('certificates_expiring', 'enable', 'Book the renewal of the certificates.'),
        ('certificates_expiring', 'sell', 'Book the renewal before the tier is lost.'),
        ('certificates_expiring', 'grow', 'Book the renewal before the tier is lost.'),
        ('our_slow_answers', 'onboard', 'Answer the registrations that wait.'),
        ('our_slow_answers', 'enable', 'Answer the registrations that wait.'),
        ('our_slow_answers', 'sell', 'Answer the registrations that wait, and say sorry.'),
        ('our_slow_answers', 'grow', 'Answer the registrations that wait, and say sorry.'),
        ('satisfaction_low', 'onboard', 'Read the comments together.'),
        ('satisfaction_low', 'enable', 'Read the comments together.'),
        ('satisfaction_low', 'sell', 'Read the comments together.'),
        ('satisfaction_low', 'grow', 'Read the comments together, with the executive sponsor.'),
        ('health_low', 'onboard', 'Agree on the next two onboarding steps and their dates.'),
        ('health_low', 'enable', 'Agree on who gets certified and on the first target account.'),
        ('health_low', 'sell', 'Go through the pipeline and agree on the next deal.'),
        ('health_low', 'grow', 'Review the account plan.'),
        ('churn_risk', 'sell', 'Call before the next forecast: is there a deal that we can win together?'),
        ('churn_risk', 'grow', 'Ask for an executive check-in and review the account plan.')
    ) AS step (cause, stage, suggestion)
)

SELECT * FROM final
