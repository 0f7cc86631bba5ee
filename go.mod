module flashstore

go 1.26
