-- All that is public: see lua/guestlua/help.lua.
return require("guestlua.help").classes()
