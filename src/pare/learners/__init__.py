"""What learns a task, behind one interface: a pretrained transformer, another network, a library's model, a choice."""
