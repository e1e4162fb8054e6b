# An application of Shiny, or the list of those in a repository's folders.
# Usage: Rscript shiny.R PORT FOLDER [NAME…]
words <- commandArgs(TRUE)
application <- words[2]
names <- words[-(1:2)]
if (length(names)) {
  links <- lapply(names, function(name) shiny::tags$li(shiny::a(href = paste0(name, "/"), name)))
  application <- shiny::shinyApp(
    shiny::fluidPage(title = "Shiny", shiny::h2("Shiny"), shiny::tags$ul(links)),
    function(input, output) {}
  )
}
shiny::runApp(application, port = as.integer(words[1]), host = "127.0.0.1", launch.browser = FALSE)
