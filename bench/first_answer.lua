local host = guestlua.open("test:///default")
print(host:guest("test"):is_active())
host:close()
