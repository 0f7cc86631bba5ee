package s3api

import (
	"flashstore/engine/object"
	"flashstore/engine/s3err"
)

// overrides returns what response-* parameters put in place of stored fields; signed requests
// only may ask for that
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestParameters).
// Errors: InvalidRequest, InvalidArgument (no such parameter, control characters).
func (rq *request) overrides() ([]object.Pair, error) {
	var pairs []object.Pair
	for query := rq.ex.Request.Query; len(query) > 0; {
		var name, raw []byte
		name, raw, query = nextParam(query)
		if len(name) < len(override) || string(name[:len(override)]) != override {
			continue
		}
		pair, err := rq.override(name, raw)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, pair)
	}
	return pairs, nil
}

// override begins the names of parameters that say what a field of the answer is to be.
const override = "response-"

func (rq *request) override(name, raw []byte) (pair object.Pair, err error) {
	if rq.auth.AccessKey == "" {
		return pair, s3err.InvalidRequest.With("Request specific response headers cannot be " +
			"used for anonymous GET requests.")
	}
	if pair.Value, err = rq.unescape(raw, true); err != nil {
		return pair, err
	}
	if pair.Name = overridden(name); pair.Name == "" {
		return pair, s3err.InvalidArgument.With(string(name)+" is not in the set of overridable "+
			"response headers. Please refer to the S3 API documentation for a complete list of "+
			"overridable response headers.").
			Detail("ArgumentName", string(name)).Detail("ArgumentValue", pair.Value)
	}
	if control(view(pair.Value)) {
		return pair, errHeaderValue(name)
	}
	return pair, nil
}

func overridden(param []byte) string {
	switch string(param) {
	case "response-content-type":
		return "content-type"
	case "response-content-language":
		return "content-language"
	case "response-expires":
		return "expires"
	case "response-cache-control":
		return "cache-control"
	case "response-content-disposition":
		return "content-disposition"
	case "response-content-encoding":
		return "content-encoding"
	}
	return ""
}
