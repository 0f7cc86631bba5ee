package s3api

// Fields of object lock, in requests and answers.
const (
	lockModeField  = "x-amz-object-lock-mode"
	lockUntilField = "x-amz-object-lock-retain-until-date"
	legalHoldField = "x-amz-object-lock-legal-hold"
	lockTime       = "2006-01-02T15:04:05.000Z"
)
