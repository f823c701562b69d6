std = "lua54"
max_line_length = 150
files["spec"] = { std = "lua54+busted", read_globals = { "guestlua" } }
files["examples"] = { read_globals = { "guestlua" } }
files["bench"] = { read_globals = { "guestlua" } }
