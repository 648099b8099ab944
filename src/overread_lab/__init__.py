"""overread_lab: makes and checks models. The only place where torch may be named."""
