std = "lua54"
max_line_length = 150
globals = { "guestlua", "arg" }
ignore = { "211/undo", "211/guard" } -- to-be-closed variables that are there for what happens when they close
files["spec"] = { std = "lua54+busted", ignore = { "211" } } -- most are to-be-closed variables
