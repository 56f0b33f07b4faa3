-- rpt_applicant: applicants who are undecided or were approved lately, the most like those who got going first.
-- grain: application
-- key: application_id
-- application_id VARCHAR: application
-- applicant_name VARCHAR: applicant
-- submitted_on DATE: day of the submission
-- application_status VARCHAR: state of the application
-- days_waiting INTEGER: days since the submission where it is undecided; null once it is decided
-- rank BIGINT: 1 for the highest score; undecided ones by their wait where nobody is scored
-- score DOUBLE: look-alike score, 0 to 100; null where there is none
-- low DOUBLE: lower end of its 95% interval
-- high DOUBLE: upper end
-- reason_1 VARCHAR: what raises the score most, in words
-- reason_2 VARCHAR: second reason
-- reason_3 VARCHAR: third reason
-- note VARCHAR: what to bear in mind, or why there is no score
WITH final AS (
    SELECT
        recruit.application_id,
        recruit.applicant_name,
        recruit.submitted_on,
        recruit.application_status,
        CASE WHEN application.decided_on IS NULL THEN CAST(s.as_of - recruit.submitted_on AS INTEGER) END AS days_waiting,
        row_number() OVER (
            ORDER BY recruit.score DESC NULLS LAST, application.decided_on IS NOT NULL, recruit.submitted_on, recruit.application_id
        ) AS rank,
        recruit.score,
        recruit.low,
        recruit.high,
        recruit.reason_1,
        recruit.reason_2,
        recruit.reason_3,
        recruit.note
    FROM score_recruit AS recruit
    INNER JOIN intermediate.int_application AS application ON recruit.application_id = application.application_id
    CROSS JOIN run_settings AS s
)

SELECT * FROM final
