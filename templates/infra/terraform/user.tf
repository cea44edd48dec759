# Yours: further resources, outputs and modules of this root module. No update of the template touches this file; files of your own beside it are
# left alone, too.
