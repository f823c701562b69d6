-- All that is public: see lua/guestlua/prompt/help.lua.
return require("guestlua.prompt.help").classes()
