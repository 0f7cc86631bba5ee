package iam

import "crypto/rand"

// Generate returns random credentials: an access key of 20 characters, as AWS has them, and a
// secret of 52 with 256 bits of entropy.
func Generate() Credentials {
	return Credentials{AccessKey: "FS" + rand.Text()[:18], Secret: rand.Text() + rand.Text()}
}
