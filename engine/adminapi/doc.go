// Package adminapi owns the server's own endpoints, all below /flashstore/: health, metrics and
// status.
//
// It does not own what they tell: health checks, metrics and the status document are functions
// it is given. Nor does it decide which requests are its own (s3api.Mux).
//
// Invariants:
//
//  1. Health says one word and needs no credentials. Metrics need the token unless they are
//     public. Status needs a signature in the header, of an identity that may read it.
//  2. The default answer to an unknown path is 404, to missing credentials 401 or 403; an
//     error body never says why.
//  3. Secrets are compared in constant time, their length included.
package adminapi
