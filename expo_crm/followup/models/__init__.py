from expo_crm.followup.models.case import Case
from expo_crm.followup.models.retention import RetentionCase
from expo_crm.followup.models.survey import Survey, SurveyAnswer, SurveyInvitation, SurveyQuestion

__all__ = ["Case", "RetentionCase", "Survey", "SurveyAnswer", "SurveyInvitation", "SurveyQuestion"]
