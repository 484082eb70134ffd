mod groups;
mod rota;
mod subscriptions;
