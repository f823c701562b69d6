guest:set_user_passwrd("root", "pl4nted-S3cret")
guest:launch({ pasue = "pl4nted-S3cret" })
 local x = "pl4nted-S3cret