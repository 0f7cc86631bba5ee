package iam

import "strings"

// wellKnownSecrets are refused with any access key: the defaults of object stores and the
// first words of every list of passwords.
var wellKnownSecrets = [...]string{
	"minioadmin", "minio123", "miniostorage", "rustfsadmin", "flashstore", "flashadmin",
	"flashstoreadmin", "password", "password1", "password123", "passw0rd", "p@ssw0rd",
	"changeme", "changeit", "administrator", "12345678", "123456789", "1234567890", "qwertyui",
	"qwerty123", "secretkey", "secret123", "supersecret", "accesskey", "adminadmin",
	"admin123", "admin1234", "letmein1", "iloveyou", "welcome1", "00000000", "11111111",
	"testtest", "test1234", "default1", "rootroot", "s3cr3tkey",
	"wjalrxutnfemi/k7mdeng/bpxrficyexamplekey", // of the documentation of AWS
}

func wellKnown(c Credentials) bool {
	secret := strings.ToLower(c.Secret)
	for _, known := range wellKnownSecrets {
		if secret == known {
			return true
		}
	}
	one := strings.Trim(secret, secret[:1]) == ""
	return one || secret == strings.ToLower(c.AccessKey)
}
